"""Pays through the client that openapi-python-client made of the node's description: a session by the wallet's key, tokens set
aside, a payment encoded and signed as docs/FORMATS.md says, its receipt, and what the payer has left."""

import hashlib
import json
import os
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client import AuthenticatedClient, Client
from client.api.payments import get_transaction, submit_transactions
from client.api.wallets import get_wallet, make_challenge, open_session, select_tokens
from client.models import (MakeChallengeRequest, Output, Receipt, SelectTokensRequest, SignIn, Transfer, TransactionTransfer, Witness, WitnessRole)

node, wallet, to = (os.environ[name] for name in ("AQSHA_NODE", "AQSHA_WALLET", "AQSHA_TO"))
amount = int(os.environ["AQSHA_AMOUNT"])
key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(os.environ["AQSHA_SEED"]))


def head(major, n):
    if n < 24:
        return bytes([major << 5 | n])
    power = next(p for p in range(4) if n < 1 << (8 << p))
    return bytes([major << 5 | 24 + power]) + n.to_bytes(1 << power, "big")


def encode(item):
    """CBOR, deterministic (RFC 8949 section 4.2.1), of the types that a transfer has."""
    if item is None:
        return b"\xf6"
    if isinstance(item, int):
        return head(0, item)
    if isinstance(item, bytes):
        return head(2, len(item)) + item
    return head(4, len(item)) + b"".join(map(encode, item))


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def signed(digest):
    return "01" + key.sign(digest).hex()


def text(value):
    return bytes.fromhex(value)


def answered(result, wanted):
    if not isinstance(result, wanted):
        raise SystemExit(f"wanted a {wanted.__name__}: {result}")
    return result


with Client(base_url=node) as anybody:
    challenge = make_challenge.sync(client=anybody, body=MakeChallengeRequest(wallet=wallet))
    parts = urlsplit(node)
    origin = f"{parts.scheme}://{parts.netloc}"
    session = open_session.sync(client=anybody, body=SignIn(wallet=wallet, origin=origin, challenge=challenge.challenge, signature=signed(
        sha256(b"aqsha session v1\0", text(challenge.network), text(wallet), sha256(origin.encode()), text(challenge.challenge)))))
with AuthenticatedClient(base_url=node, token=session.token) as client:
    before = get_wallet.sync(wallet, client=client)
    selection = select_tokens.sync(wallet, client=client, body=SelectTokensRequest(amount=amount))
    outputs = [Output(party=1, amount=amount)]
    if selection.total > amount:
        outputs.append(Output(party=0, amount=selection.total - amount))
    body = Transfer(parties=[wallet, to], payers=1, inputs=[t.id for t in selection.tokens], outputs=outputs)
    until = selection.time_millis + 60_000
    identity = sha256(encode([1, until, [text(p) for p in body.parties], body.payers, [text(i) for i in body.inputs],
                              [[o.party, o.amount] for o in outputs], None]))
    signature = signed(sha256(b"aqsha sign v1\0", text(selection.network), identity, bytes([7])))
    transaction = TransactionTransfer(kind="transfer", valid_until=until, body=body, id=identity.hex(),
                                      witnesses=[Witness(role=WitnessRole.WALLET, index=0, signature=signature)])
    receipt = answered(submit_transactions.sync(client=client, body=transaction, content_type="application/json"), Receipt)
    executed = get_transaction.sync(identity.hex(), client=client)
    after = get_wallet.sync(wallet, client=client)
print(json.dumps({"id": identity.hex(), "entry": receipt.index, "executed": executed.transaction.id,
                  "paid": amount, "before": before.balance, "after": after.balance}))
