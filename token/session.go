package token

import "crypto/sha256"

// sessionDomain keeps a signature made to read from being one over a transaction, and the other way round.
const sessionDomain = "aqsha session v1\x00"

// SessionChallengeBytes is the length of a challenge.
const SessionChallengeBytes = 48

// SessionDigest is what a wallet's key signs to open a session in which the wallet is read:
// SHA-256(domain ‖ network ‖ wallet ‖ SHA-256(origin) ‖ challenge). The origin is the one that the client dialled (RFC 6454, as
// text: scheme, host, port), so that whoever passes a challenge on gets a signature for himself, not for the node he copied.
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
