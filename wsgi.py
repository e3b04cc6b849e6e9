"""What gunicorn and `flask --app wsgi` load. The monkey patch comes before all that knows threads or sockets."""

from gevent import monkey

monkey.patch_all()

import config
from ethpillar import __version__, cli, create_app, log_setup

cli.refuse_to_serve()
if cli.needs_no_settings():
    app = cli.commands_only(__version__)
else:
    _settings = config.load_or_exit()
    log_setup.set_up(_settings.log_level, _settings.log_format)
    app = create_app(_settings)
