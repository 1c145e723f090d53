package token

import (
	"crypto/sha256"
	"encoding/binary"
)

// sessionDomain keeps a signature made to read from being one over a transaction, and the other way round.
const sessionDomain = "aqsha session v1\x00"

// SessionChallengeBytes is the length of a challenge.
const SessionChallengeBytes = 48

// SessionDigest is what a wallet's key signs to open a session in which the wallet is read: SHA-256(domain ‖ network ‖
// wallet ‖ SHA-256(origin) ‖ challenge). The origin is the one that the client dialled (RFC 6454, as text: scheme,
// host, port), so that whoever passes a challenge on gets a signature for himself, not for the node he copied.
func SessionDigest(network NetworkID, wallet WalletID, origin string, challenge [SessionChallengeBytes]byte) [32]byte {
	h := sha256.New()
	h.Write([]byte(sessionDomain))
	h.Write(network[:])
	h.Write(wallet[:])
	where := sha256.Sum256([]byte(origin))
	h.Write(where[:])
	h.Write(challenge[:])
	return [32]byte(h.Sum(nil))
}

// delegationDomain keeps a signature that lets others read from one that opens a session.
const delegationDomain = "aqsha delegation v1\x00"

// DelegationDigest is what a wallet's key signs to let a device without a key read the wallet until a time (Unix
// milliseconds): SHA-256(domain ‖ network ‖ wallet ‖ SHA-256(origin) ‖ challenge ‖ until ‖ SHA-256(name)).
func DelegationDigest(network NetworkID, wallet WalletID, origin string, challenge [SessionChallengeBytes]byte,
	untilMillis uint64, name string) [32]byte {
	h := sha256.New()
	h.Write([]byte(delegationDomain))
	h.Write(network[:])
	h.Write(wallet[:])
	where, called := sha256.Sum256([]byte(origin)), sha256.Sum256([]byte(name))
	h.Write(where[:])
	h.Write(challenge[:])
	h.Write(binary.BigEndian.AppendUint64(nil, untilMillis))
	h.Write(called[:])
	return [32]byte(h.Sum(nil))
}

// applicationDomain keeps a proof that a key is held apart from all else that is signed.
const applicationDomain = "aqsha application v1\x00"

// ApplicationDigest is what a key signs to ask a bank for a wallet: SHA-256(domain ‖ network ‖ bank ‖ key ‖
// SHA-256(name)).
func ApplicationDigest(network NetworkID, bank WalletID, key PublicKey, name string) [32]byte {
	h := sha256.New()
	h.Write([]byte(applicationDomain))
	h.Write(network[:])
	h.Write(bank[:])
	h.Write(key[:])
	called := sha256.Sum256([]byte(name))
	h.Write(called[:])
	return [32]byte(h.Sum(nil))
}

// refusalDomain keeps a word that somebody does not sign apart from all that he signs.
const refusalDomain = "aqsha draft refusal v1\x00"

// DraftRefusalDigest is what a signer's key signs who does not sign a draft: SHA-256(domain ‖ network ‖ transaction ‖
// SHA-256(reason)).
func DraftRefusalDigest(network NetworkID, transaction TransactionID, reason string) [32]byte {
	h := sha256.New()
	h.Write([]byte(refusalDomain))
	h.Write(network[:])
	h.Write(transaction[:])
	why := sha256.Sum256([]byte(reason))
	h.Write(why[:])
	return [32]byte(h.Sum(nil))
}

// keyDomain keeps the question for a key's wallets apart from all else that is signed.
const keyDomain = "aqsha key v1\x00"

// KeyDigest is what a key signs to learn which wallets it opens: SHA-256(domain ‖ network ‖ key ‖ SHA-256(origin) ‖
// challenge).
func KeyDigest(network NetworkID, key PublicKey, origin string, challenge [SessionChallengeBytes]byte) [32]byte {
	h := sha256.New()
	h.Write([]byte(keyDomain))
	h.Write(network[:])
	h.Write(key[:])
	where := sha256.Sum256([]byte(origin))
	h.Write(where[:])
	h.Write(challenge[:])
	return [32]byte(h.Sum(nil))
}
