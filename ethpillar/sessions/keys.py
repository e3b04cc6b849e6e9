"""Every key that this server reads or writes in Redis, and what it does there in one step."""

from __future__ import annotations

PREFIX = "ssh_session:"
HOST_KEY_PREFIX = "ethpillar:hostkey:"
REFUSED_PREFIX = "ethpillar:refused:"
REFUSALS_PREFIX = "ethpillar:refusals:"
ENTERED_PREFIX = "ethpillar:entered:"
BAD_TOKENS_PREFIX = "ethpillar:badtokens:"

ENDED = "ethpillar:ended"
"The channel on which instances tell each other that a session has ended."
KEYSPACE = f"__keyspace@*__:{PREFIX}*"
"The channels on which Redis tells what happens to sessions, if its notify-keyspace-events says so."

# Both renewals in one step, and only while the value is still the one that was read: a session that was deleted
# meanwhile stays deleted, and a concurrent writer's change is not lost (-1 gone, 0 changed, 1 done).
RENEW = """
local now = redis.call('GET', KEYS[1])
if not now then return -1 end
if now ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
"""

HOST_KEY_TTL = 30 * 24 * 3600
"Seconds that a pinned host key lives after the last login that found it. An address may have another owner then."

# In one step, so that two first logins cannot pin two keys. Another pin than the one that is there changes nothing.
PIN = """
local pinned = redis.call('GET', KEYS[1])
if pinned and pinned ~= ARGV[1] then return pinned end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return ARGV[1]
"""

# In one step, and with no other commands than the scripts above, so that no further right is needed.
COUNT = """
local count = (tonumber(redis.call('GET', KEYS[1]) or '0') or 0) + 1
redis.call('SET', KEYS[1], count, 'EX', ARGV[1])
return count
"""
