// The Merkle tree of RFC 6962 section 2.1, as its right edge.
import {concat, sha256} from './bytes.js'
export const leafHash = entry => sha256(concat(Uint8Array.of(0), entry))
export const nodeHash = (l, r) => sha256(concat(Uint8Array.of(1), l, r))
export class Tree {
  constructor() { this.size = 0; this.stack = [] }
  add(hash) {
    for (let n = this.size; n % 2 === 1; n = (n - 1) / 2) hash = nodeHash(this.stack.pop(), hash)
    this.stack.push(hash); this.size++
  }
  root() { return this.stack.length === 0 ? sha256(new Uint8Array(0)) : this.stack.reduceRight((right, left) => right === null ? left : nodeHash(left, right), null) }
}
// What a path of siblings leads to from a leaf (RFC 9162 section 2.1.3.2); null where it is not as long as the place demands.
export function climb(hash, at, size, path) {
  let node = BigInt(at), last = BigInt(size) - 1n
  if (node < 0n || node > last) return null
  for (const sibling of path) {
    if (last === 0n) return null
    if (node & 1n || node === last) { hash = nodeHash(sibling, hash); while (!(node & 1n) && node !== 0n) { node >>= 1n; last >>= 1n } } else hash = nodeHash(hash, sibling)
    node >>= 1n; last >>= 1n
  }
  return last === 0n ? hash : null
}
