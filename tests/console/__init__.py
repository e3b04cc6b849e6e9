"""The console: its modules in Node's own runner, and the page in a real Chromium."""
