// What the package adds to a page: minified and gzipped, without React and socket.io-client.
import { build } from "esbuild";
import { gzipSync } from "node:zlib";

for (const entry of ["index", "core"]) {
  const { outputFiles } = await build({
    entryPoints: [`src/${entry}.ts`],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    external: ["react", "socket.io-client"],
    write: false,
  });
  const [{ contents }] = outputFiles;
  console.log(`${entry}: ${contents.length} bytes minified, ${gzipSync(contents, { level: 9 }).length} gzipped`);
}
