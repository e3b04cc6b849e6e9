"""What `npm pack` makes: it installs in a fresh project, and its types fit there, with React 18 and 19."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from .. import programs
from .package import FRONTEND, npm

USE = """
import { useClientLogs, useNodeStatus, useWebSocket, RealtimeProvider, type LogEntry } from "@ethpillar/realtime";
import { createRealtime } from "@ethpillar/realtime/core";

export function Dashboard({ service }: { service: string | null }) {
  const { socket, isConnected, isAuthenticated, lastError, emit, on, reconnect } = useWebSocket();
  const { statuses, isLoading, error } = useNodeStatus(5000);
  const { logs, isLoading: loading, error: logError, clearLogs } = useClientLogs(service, 500);
  const texts: string[] = logs.map(({ id, raw, timestamp, level, message, metadata }: LogEntry) =>
    [id, raw, timestamp, level, message, metadata?.peers].join(" "));
  const names: Record<string, string> = statuses;
  emit("subscribe_logs", { service: "execution" });
  const off: () => void = on("log_data", (line) => console.log(line.line));
  off();
  const wrong: string | null = lastError ?? error ?? logError;
  return (
    <RealtimeProvider url="https://realtime.example" token="t">
      <button onClick={reconnect} disabled={isConnected && isAuthenticated && isLoading && loading}>{wrong}</button>
      <button onClick={clearLogs}>{socket?.id}{Object.keys(names)}</button>
      {texts}
    </RealtimeProvider>
  );
}

const states = createRealtime("https://realtime.example").status();
const stop: () => void = states.subscribe((value) => value.statuses.execution?.trim());
stop();
"""
OPTIONS = {
    "target": "ES2017",
    "lib": ["dom", "dom.iterable", "esnext"],
    "module": "esnext",
    "moduleResolution": "bundler",
    "jsx": "preserve",
    "strict": True,
    "noEmit": True,
    "skipLibCheck": False,
}
"As Next.js sets them, but that the package's own types are checked too."
RENDER = """
import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { useClientLogs } from "@ethpillar/realtime";
const Log = () => createElement("p", null, useClientLogs("execution").isLoading ? "Loading logs..." : "");
console.log(renderToString(createElement(Log)));
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pack")
    said = npm("pack", "--json", "--silent", "--pack-destination", str(folder))
    packed = json.loads(said[said.index("[") :])[0]
    files = {each["path"] for each in packed["files"]}
    assert {"dist/index.js", "dist/index.d.ts", "dist/core.js", "README.md", "package.json"} <= files
    assert not [each for each in files if each.startswith(("src", "test", "node_modules", "browser"))]
    return folder / packed["filename"]


@pytest.mark.parametrize("react", ["18.3.1", "19.3.1"])
def test_a_fresh_project(package: Path, react: str, tmp_path: Path) -> None:
    major = react.split(".")[0]
    (tmp_path / "package.json").write_text(json.dumps({"name": "fresh", "private": True, "type": "module"}))
    needed = [f"react@{react}", f"react-dom@{react}", f"@types/react@{major}", "typescript@5.9.3"]
    quiet = ("--no-audit", "--no-fund", "--prefer-offline", *programs.ONE_RETRY)
    npm("install", *quiet, str(package), *needed, folder=tmp_path)
    installed = json.loads((tmp_path / "package-lock.json").read_text())["packages"]
    assert "node_modules/socket.io-client" in installed
    (tmp_path / "page.tsx").write_text(USE)
    (tmp_path / "tsconfig.json").write_text(json.dumps({"compilerOptions": OPTIONS, "include": ["page.tsx"]}))
    npm("exec", "--no", "--", "tsc", "-p", ".", folder=tmp_path)
    (tmp_path / "render.mjs").write_text(RENDER)
    node = programs.node() or programs.missing("Node.js")
    done = subprocess.run([node, "render.mjs"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("<p>Loading logs...</p>", "")
    assert FRONTEND not in tmp_path.parents
