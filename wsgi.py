"""What gunicorn and `flask --app wsgi` load. The monkey patch comes before all that knows threads or sockets."""

from gevent import monkey

monkey.patch_all()

import config
from ethpillar import create_app

app = create_app(config.load_or_exit())
