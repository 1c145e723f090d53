// Codes as vector pictures: drawn from their modules, so that no style nor script of a library touches the page.

import { create } from "qrcode";

export function Code({ text, label }: { text: string; label: string }) {
  const { modules } = create(text, { errorCorrectionLevel: "M" });
  let path = "";
  for (let y = 0; y < modules.size; y++) {
    for (let x = 0; x < modules.size; x++) if (modules.get(y, x)) path += `M${x} ${y}h1v1h-1z`;
  }
  return (
    <svg class="code" role="img" aria-label={label} viewBox={`-4 -4 ${modules.size + 8} ${modules.size + 8}`} shape-rendering="crispEdges">
      <rect x="-4" y="-4" width={modules.size + 8} height={modules.size + 8} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}
