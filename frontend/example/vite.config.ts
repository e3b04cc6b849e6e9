import { defineConfig } from "vite";

// Port 3000 of localhost is the origin that a server allows when its FRONTEND_URL is not set.
export default defineConfig({
  server: { host: "localhost", port: 3000, strictPort: true },
  esbuild: { jsx: "automatic" },
  build: { outDir: "../build/example", emptyOutDir: true },
});
