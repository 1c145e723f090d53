import preact from "@preact/preset-vite";
import { defineConfig } from "vite";

// The wallet is an entry of its own. What is built goes where the Go package embeds it; names carry hashes and never change.
export default defineConfig({
  plugins: [preact({ reactAliasesEnabled: false })],
  build: {
    outDir: "../dist",
    emptyOutDir: false,
    assetsDir: "assets",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: { input: { wallet: "wallet/index.html" } },
  },
});
