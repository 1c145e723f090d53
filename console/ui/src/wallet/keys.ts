// A new key for the wallet: the old one, perhaps on a phone that was lost, opens nothing from then on. The new key is on this
// device, sealed, before the ledger hears of it; whichever of the two the ledger has, this device has it too. The recovery key is
// another one, which lies on paper: it gives the wallet a new key at once, and pays nothing.

import { type Bytes, concat, hex, unhex } from "../ledger/bytes";
import { type Signer, signerOf } from "../ledger/sign";
import { ROLE, type Witness, cancelRekeyBody, digest, rekeyBody, signatureOf } from "../ledger/transaction";
import { balance, changeFrom, client, record, refresh, reopen, signer, submitOwn, theStore } from "./state";
import type { WalletRecord } from "./store";
import { open, seal } from "./vault";

/** That somebody has a key: its signature in its place among those that are possessed. */
async function possession(network: Bytes, id: Bytes, key: Signer, index: number): Promise<Witness> {
  return { role: ROLE.possession, index, signature: signatureOf(await key.sign(await digest(network, id, ROLE.possession))) };
}

/** The key that comes next, sealed under the passphrase: one that was begun before, or a new one. */
export async function nextKey(passphrase: string): Promise<{ seed: Bytes; made: Signer }> {
  const network = unhex(record.value!.network);
  for (;;) {
    await changeFrom(() => undefined); // another tab may have begun one
    const before = record.value!.next;
    let seed: Bytes | undefined = before && (await open(before.sealed, passphrase, network, unhex(before.publicKey)));
    if (seed) return { seed, made: await signerOf(seed) };
    seed = crypto.getRandomValues(new Uint8Array(32));
    const made = await signerOf(seed);
    const next = { publicKey: hex(made.publicKey), sealed: await seal(seed, passphrase, network, made.publicKey) };
    await changeFrom((held) => (held.next?.publicKey === before?.publicKey ? { ...held, next } : undefined));
    if (record.value!.next?.publicKey === next.publicKey) return { seed, made };
  }
}

/** Gives the wallet a new key under the same passphrase, and its seed to write down. It is in force at once, or waits where the
 * wallet has a recovery key or a bank asks: until then the old key opens the wallet. */
export async function newKey(passphrase: string): Promise<Bytes> {
  const network = unhex(record.value!.network);
  await refresh();
  const version = balance.value!.version;
  const { seed, made } = await nextKey(passphrase);
  await submitOwn(
    (wallet, until) => rekeyBody(wallet, version, ROLE.wallet, made.publicKey, until),
    async (id) => [await possession(network, id, made, 0)],
  );
  if (!balance.value!.hasRecovery) await promote(passphrase);
  else await refresh();
  return concat(seed);
}

/** Takes a wallet back: this device holds its recovery key, and gives it a new key, at once. Called again after a break it goes on
 * where it was. The new key's seed is returned to write down. */
export async function takeBack(wallet: string, passphrase: string): Promise<Bytes> {
  const network = unhex(record.value!.network);
  const { seed, made } = await nextKey(passphrase);
  const now = await client.balance(wallet);
  if (now.key !== written(made.publicKey)) {
    const possessed = async (id: Bytes) => [await possession(network, id, made, 0)];
    await submitOwn((id, until) => rekeyBody(id, now.version, ROLE.recovery, made.publicKey, until), possessed, { wallet, role: ROLE.recovery });
  }
  await promote(passphrase, { wallet });
  return concat(seed);
}

/** Whether a wallet's recovery key is the key of this device, and not its key. */
export async function holdsRecovery(wallet: string): Promise<boolean> {
  const own = written(unhex(record.value!.publicKey));
  const b = await client.balance(wallet);
  return b.key !== own && b.recovery === own;
}

function written(publicKey: Uint8Array): string {
  return `ed25519:${hex(publicKey).slice(2)}`;
}

/** Gives the wallet the recovery key of a seed that has been written down, and is kept nowhere here. Where there is one already this
 * one takes its place after the delay. */
export async function setRecovery(seed: Bytes): Promise<void> {
  const network = unhex(record.value!.network);
  await refresh();
  const version = balance.value!.version;
  const made = await signerOf(seed);
  const own = signer.value!;
  await submitOwn(
    (wallet, until) => rekeyBody(wallet, version, ROLE.wallet, own.publicKey, until, made.publicKey),
    async (id) => [await possession(network, id, own, 0), await possession(network, id, made, 1)],
  );
  await refresh();
}

/** Makes the new key the wallet's own here, once the ledger has it. */
export async function promote(passphrase: string, also: Partial<WalletRecord> = {}): Promise<boolean> {
  const r = record.value!;
  if (!r.next) return false;
  const seed = await open(r.next.sealed, passphrase, unhex(r.network), unhex(r.next.publicKey));
  if (!seed) return false;
  const { next } = r;
  const now = await theStore().changeWallet((there) => {
    const held = there ?? r;
    if (held.publicKey !== r.publicKey) return undefined;
    const { next: _, passkey: __, ...rest } = held; // the device's lock knew the old seed
    return { ...rest, ...also, publicKey: next.publicKey, sealed: next.sealed, recoverySaved: false };
  });
  if (now?.publicKey !== next.publicKey) return false; // another tab went on to yet another
  record.value = now;
  await reopen(seed);
  return true;
}

/** Takes back a new key, or the closing, that waits. */
export async function cancelPending(): Promise<void> {
  await refresh();
  const version = balance.value!.version;
  await submitOwn((wallet, until) => cancelRekeyBody(wallet, version, until));
  await refresh();
}
