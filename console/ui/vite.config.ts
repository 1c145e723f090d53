import preact from "@preact/preset-vite";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { type Plugin, defineConfig } from "vite";

/** The worker that keeps the wallet's files: it names all of them, and its version is the hash of what they hold. */
function worker(): Plugin {
  return {
    name: "aqsha-worker",
    generateBundle(_, bundle) {
      const names = Object.keys(bundle).sort();
      const hash = createHash("sha256");
      for (const name of names) {
        const part = bundle[name]!;
        hash.update(name).update(part.type === "chunk" ? part.code : part.source);
      }
      const source = readFileSync("sw.js", "utf8");
      hash.update(source);
      const files = ["/wallet/", "/wallet/icon.svg", "/wallet/manifest.webmanifest", ...names.filter((n) => n.startsWith("assets/")).map((n) => `/${n}`)];
      const head = `const VERSION = ${JSON.stringify(hash.digest("hex").slice(0, 16))};\nconst FILES = ${JSON.stringify(files)};\n`;
      this.emitFile({ type: "asset", fileName: "wallet/sw.js", source: head + source });
    },
  };
}

// The wallet is an entry of its own. What is built goes where the Go package embeds it; names carry hashes and never change.
export default defineConfig({
  plugins: [preact({ reactAliasesEnabled: false }), worker()],
  build: {
    outDir: "../dist",
    emptyOutDir: false,
    assetsDir: "assets",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: { input: { wallet: "wallet/index.html" } },
  },
});
