"""Nutshell's own parts, unmodified, at an office of ours: its tokens, keyset ids, blinding, proofs (DLEQ), locks and signatures.

Its wallet and mint know the units sat, msat, usd, eur and btc and the method bolt11, by an enumeration in its code: they
cannot hold tenge, and so do not meet here. What they are made of does.
"""
import json
import os
import secrets
import sys
import urllib.error
import urllib.request

from cashu.core.base import TokenV4
from cashu.core.crypto.b_dhke import alice_verify_dleq, carol_verify_dleq, hash_to_curve, step1_alice, step3_alice
from cashu.core.crypto.keys import derive_keyset_id_v2
from cashu.core.crypto.secp import PrivateKey, PublicKey
from cashu.core.p2pk import P2PKSecret, schnorr_sign
from cashu.core.secret import SecretKind, Tags
from cashu.core.split import amount_split

MINT = os.environ["MINT"]
done = []


def call(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(MINT + path, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def must(good, what):
    if not good:
        sys.exit("not so: " + what)
    done.append(what)


def point(text):
    return PublicKey(bytes.fromhex(text))


def scalar(text):
    return PrivateKey(bytes.fromhex(text))


def swap(keyset, keys, inputs, texts, amounts):
    """Changes notes for others with given secrets, and verifies what the office signs."""
    blinded = [step1_alice(text) for text in texts]
    outputs = [{"id": keyset, "amount": a, "B_": b.format().hex()} for a, (b, _) in zip(amounts, blinded)]
    status, answer = call("/v1/swap", {"inputs": inputs, "outputs": outputs})
    if status != 200:
        return status, answer
    notes = []
    for a, text, (b, r), s in zip(amounts, texts, blinded, answer["signatures"]):
        e, z, c_ = scalar(s["dleq"]["e"]), scalar(s["dleq"]["s"]), point(s["C_"])
        if s["amount"] != a or not alice_verify_dleq(b, c_, e, z, keys[a]):
            sys.exit("a signature's proof does not verify")
        c = step3_alice(c_, r, keys[a])
        if not carol_verify_dleq(text, r, c, e, z, keys[a]):
            sys.exit("a note's proof does not verify")
        notes.append({"id": keyset, "amount": a, "secret": text, "C": c.format().hex(),
                      "dleq": {"e": s["dleq"]["e"], "s": s["dleq"]["s"], "r": r.to_hex()}})
    return 200, notes


def bare(notes):
    return [{k: n[k] for k in ("id", "amount", "secret", "C")} for n in notes]


_, info = call("/v1/info")
_, sets = call("/v1/keysets")
keyset = next(s["id"] for s in sets["keysets"] if s["active"])
_, answer = call("/v1/keys/" + keyset)
full = answer["keysets"][0]
keys = {int(a): point(k) for a, k in full["keys"].items()}
must(derive_keyset_id_v2(keys, full["unit"], full["final_expiry"]) == keyset, "the keyset's id follows from its keys")
must(all(a & (a - 1) == 0 for a in keys), "denominations are powers of two")

token = TokenV4.deserialize(os.environ["TOKEN"])
must(token.unit == "kzt" and token.mint == MINT, "our token is read")
inputs = []
for p in token.proofs:
    must(keyset.startswith(p.id) and carol_verify_dleq(p.secret, scalar(p.dleq.r), point(p.C), scalar(p.dleq.e),
         scalar(p.dleq.s), keys[p.amount]), "a note of our token of %d verifies" % p.amount)
    inputs.append({"id": keyset, "amount": p.amount, "secret": p.secret, "C": p.C})
amounts = amount_split(token.amount)
status, notes = swap(keyset, keys, inputs, [secrets.token_hex(32) for _ in amounts], amounts)
must(status == 200, "notes are changed, each with a proof that verifies")
status, refused = swap(keyset, keys, inputs, [secrets.token_hex(32) for _ in amounts], amounts)
must(status == 400 and refused["code"] == 11001, "spent notes are refused")
ys = [hash_to_curve(n["secret"].encode()).format().hex() for n in inputs + notes]
_, answer = call("/v1/checkstate", {"Ys": ys})
must([s["state"] for s in answer["states"]] == ["SPENT"] * len(inputs) + ["UNSPENT"] * len(notes), "states are right")

owner = PrivateKey()
locked = [P2PKSecret(kind=SecretKind.P2PK.value, data=owner.public_key.format().hex(), nonce=secrets.token_hex(16),
          tags=Tags()).serialize() for _ in amounts]
status, notes = swap(keyset, keys, bare(notes), locked, amounts)
must(status == 200, "notes are locked to a key")
status, refused = swap(keyset, keys, bare(notes), [secrets.token_hex(32) for _ in amounts], amounts)
must(status == 400, "locked notes without a signature are refused")
signed = bare(notes)
for n in signed:
    n["witness"] = json.dumps({"signatures": [schnorr_sign(n["secret"].encode(), owner).hex()]})
status, notes = swap(keyset, keys, signed, [secrets.token_hex(32) for _ in amounts], amounts)
must(status == 200, "and with one are taken")

from cashu.core.base import TokenV4DLEQ, TokenV4Proof, TokenV4Token  # noqa: E402

theirs = TokenV4(m=MINT, u="kzt", t=[TokenV4Token(i=bytes.fromhex(keyset)[:8], p=[
    TokenV4Proof(a=n["amount"], s=n["secret"], c=bytes.fromhex(n["C"]),
                 d=TokenV4DLEQ(**{k: bytes.fromhex(v) for k, v in n["dleq"].items()})) for n in notes])])
print(json.dumps({"done": done, "token": theirs.serialize(include_dleq=True), "amount": theirs.amount}))
