import preact from "@preact/preset-vite";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { type Plugin, type Rollup, defineConfig } from "vite";

type OutputBundle = Rollup.OutputBundle;

/** The names of all that the wallet's page can load, now or later. */
function reached(bundle: OutputBundle): Set<string> {
  const found = new Set<string>();
  const queue = Object.values(bundle).filter((part) => part.type === "chunk" && part.facadeModuleId?.endsWith("/wallet/index.html")).map((part) => part.fileName);
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    const part = bundle[name];
    if (part?.type !== "chunk") continue;
    const meta = part as typeof part & { viteMetadata?: { importedCss: Set<string>; importedAssets: Set<string> } };
    queue.push(...part.imports, ...part.dynamicImports, ...(meta.viteMetadata?.importedCss ?? []), ...(meta.viteMetadata?.importedAssets ?? []));
  }
  for (const name of Object.keys(bundle)) if (/\/stretcher-[\w-]+\.js$/.test(name)) found.add(name); // a worker, which no chunk imports
  if (found.size < 10) throw new Error(`the wallet reaches only ${found.size} files`);
  return found;
}

/** The worker that keeps the wallet's files: it names all of them, and its version is the hash of what they hold. */
function worker(): Plugin {
  return {
    name: "aqsha-worker",
    generateBundle(_, bundle) {
      const names = [...reached(bundle)].sort();
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

/** Of the program's catalogue pages need what refusals mean; the command line's results stay out of what a phone loads. */
function refusalsAlone(): Plugin {
  return {
    name: "aqsha-refusals",
    enforce: "pre",
    transform(source, id) {
      if (!/\/words\/(en|kk|ru)\.json$/.test(id) || id.includes("/src/words/")) return null;
      const { code, money } = JSON.parse(source) as Record<string, unknown>;
      return { code: JSON.stringify({ code, money }), map: null };
    },
  };
}

/** What both entries need before they show anything comes in one file: each file of a first visit is a request. */
const SHARED = /node_modules\/(preact|@preact)\/|vite\/preload-helper|src\/(pace|format|json|csv)\.ts$|src\/words\/(index|refusals)\.ts$|src\/wallet\/parts\.tsx$|src\/ledger\/bytes\.ts$/;
/** What the wallet needs beside it, however many of its later parts need some of it too. */
const WALLET = /src\/wallet\/(state|codeof|learnlink|route|refused|install|meaning|lines|request)\.tsx?$/;

/** Names of catalogues say whose they are: the server names the one that a browser will ask for. */
function chunkName(chunk: { readonly name: string; readonly facadeModuleId: string | null }): string {
  const from = chunk.facadeModuleId ?? "";
  const language = /\/(?:(console|learn)\.)?(en|kk|ru)\.json$/.exec(from);
  if (!language) return "assets/[name]-[hash].js";
  const whose = from.includes("/src/words/") ? (language[1] ?? "wallet") : "codes";
  return `assets/${whose}.${language[2]}-[hash].js`;
}

// The wallet is an entry of its own, and / is the other. What is built goes where the Go package embeds it; names carry hashes and never change.
export default defineConfig({
  plugins: [preact({ reactAliasesEnabled: false }), refusalsAlone(), worker()],
  worker: { format: "es" },
  build: {
    outDir: "../dist",
    emptyOutDir: false,
    assetsDir: "assets",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: { wallet: "wallet/index.html", console: "index.html" },
      output: { chunkFileNames: chunkName, codeSplitting: { groups: [{ name: "base", test: SHARED, priority: 2 }, { name: "purse", test: WALLET, priority: 1 }] } },
    },
  },
});
