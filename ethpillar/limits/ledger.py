"""What is held in memory because of browsers and nodes, in bytes, by tenant.

Belongs here: the sums, who has more than its share, and who gives back first. It must not know what is held, nor how
anybody waits.

One rule decides: an address may hold as much as is left free. One alone may have half of the budget, two a third each,
and so on, so that there is always something left for the next one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable

GRAIN = 4096
"Bytes by which an account changes before the sums do: what comes and goes within that costs nothing."

Tenant = tuple[Hashable, ...]
"From the outermost share to the innermost: (client's address, session)."


class Account:
    """The bytes of one thing: a ring, a socket's queue, a command that runs on a node."""

    __slots__ = ("_ledger", "base", "closed", "give_back", "held", "kind", "measure", "tenant")

    def __init__(
        self,
        ledger: Ledger,
        kind: str,
        tenant: Tenant,
        base: int,
        give_back: Callable[[], int] | None,
        measure: Callable[[], int] | None,
    ) -> None:
        self._ledger = ledger
        self.kind = kind
        self.tenant = tenant
        self.base = base
        "Bytes of the thing itself."
        self.give_back = give_back
        "Lets go of a part, says so by `hold`, and returns how many bytes that was; None if nothing can be had again."
        self.measure = measure
        "Returns what is held besides, for what nobody tells of when it changes; it is asked now and then."
        self.held = 0
        "Bytes that are in the sums."
        self.closed = False

    def hold(self, size: int) -> None:
        """Say how many bytes are held now, besides those of the thing itself."""
        change = size + self.base - self.held
        if (change >= GRAIN or change <= -GRAIN) and not self.closed:
            self._ledger.change(self, change)

    def move(self, tenant: Tenant) -> None:
        """Hold it for another tenant from now on: it became known whose it is."""
        if tenant != self.tenant:
            self._ledger.move(self, tenant)

    @property
    def crowded(self) -> bool:
        """Return True if its address has more than its share."""
        return self._ledger.crowded(self.tenant)

    def close(self) -> None:
        """Hold nothing any more, whatever is said from now on."""
        if not self.closed:
            self.closed = True
            self._ledger.close(self)
            self.give_back = self.measure = None


class Ledger:
    """All accounts of one server: bytes that are held, by tenant and by kind.

    Open an `account` where something begins, tell it what is held, and close it at the end. `tight` is called when
    somebody has too much; `relieve` then has one account give something back.
    """

    def __init__(self, budget: int = 1 << 62) -> None:
        """:param budget: bytes that may be held in all"""
        self.budget = budget
        self.kinds: Counter[str] = Counter()
        "Bytes by kind."
        self.given_back = 0
        "Bytes that were given back because there were too many, since the start."
        self.tight: Callable[[], None] = lambda: None
        "Called when there is something to be given back; it must not wait."
        self._sums: dict[Tenant, int] = {(): 0}
        "Bytes of each tenant, and of what it is a part of; `()` is everybody."
        self.measured: dict[Account, None] = {}
        "The accounts that have to be asked how much they hold."
        self._givers: dict[Tenant, dict[Account, None]] = {}
        "What can give something back, by tenant."

    @property
    def total(self) -> int:
        """Bytes that are held in all."""
        return self._sums[()]

    def of(self, tenant: Tenant) -> int:
        """Return the bytes that a tenant holds."""
        return self._sums.get(tenant, 0)

    def tenants(self) -> dict[Tenant, int]:
        """Return the bytes of each address and of each session at one."""
        return {tenant: size for tenant, size in self._sums.items() if tenant}

    def account(
        self,
        kind: str,
        tenant: Tenant = (),
        base: int = 0,
        give_back: Callable[[], int] | None = None,
        measure: Callable[[], int] | None = None,
    ) -> Account:
        """Begin to hold something.

        :param base: bytes that are held from now on until it is closed
        """
        made = Account(self, kind, tenant, base, give_back, measure)
        if give_back is not None:
            self._givers.setdefault(tenant, {})[made] = None
        if measure is not None:
            self.measured[made] = None
        if base:
            self.change(made, base)
        return made

    def change(self, account: Account, change: int) -> None:
        """Count bytes for an account. See `Account.hold`."""
        account.held += change
        self.kinds[account.kind] += change
        self._add(account.tenant, change)
        if change > 0 and self.crowded(account.tenant):
            self.tight()

    def move(self, account: Account, tenant: Tenant) -> None:
        """See `Account.move`."""
        before, account.tenant = account.tenant, tenant
        self._add(before, -account.held)
        self._add(tenant, account.held)
        if self._forget(before, account):
            self._givers.setdefault(tenant, {})[account] = None

    def close(self, account: Account) -> None:
        """See `Account.close`."""
        self._forget(account.tenant, account)
        self.measured.pop(account, None)
        self.kinds[account.kind] -= account.held
        self._add(account.tenant, -account.held)
        account.held = 0

    def _forget(self, tenant: Tenant, account: Account) -> bool:
        givers = self._givers.get(tenant, {})
        if account not in givers:
            return False
        del givers[account]
        if not givers:
            del self._givers[tenant]
        return True

    def _add(self, tenant: Tenant, change: int) -> None:
        sums = self._sums
        for length in range(len(tenant) + 1):
            part = tenant[:length]
            left = sums.get(part, 0) + change
            if left or not part:
                sums[part] = left
            else:
                sums.pop(part, None)

    def crowded(self, tenant: Tenant) -> bool:
        """Return True if the address of a tenant has more than is left free: it may have nothing further."""
        return self.of(tenant[:1]) > self.budget - self.total

    def relieve(self) -> int:
        """Have one account give something back: of the tenants with too much, that of the one that has most.

        If more is held than the budget, nothing is left free, so that everybody has too much.

        :return: how many bytes were given back; 0 if nobody has too much, or can give anything back
        """
        able = [tenant for tenant in self._givers if self.crowded(tenant)]
        for tenant in sorted(able, key=lambda each: (self.of(each[:1]), self.of(each)), reverse=True):
            account = max(self._givers[tenant], key=lambda each: each.held)
            freed = account.give_back() if account.give_back is not None and account.held > GRAIN else 0
            if freed:
                self.given_back += freed
                return freed
        return 0
