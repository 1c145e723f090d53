declare module "*/verify/js/proof.js" {
  /** What a receipt file shows of a network, or undefined when it does not hold. */
  export function receipt(file: Uint8Array, network: string): { id: string; index: bigint; size: bigint } | undefined;
}
