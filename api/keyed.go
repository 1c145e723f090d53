package api

import (
	"context"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// KeyQuestion asks which wallets a key opens. Who has nothing but a recovery code has no wallet's number.
type KeyQuestion struct {
	Key       token.PublicKey `json:"key"`
	Origin    string          `json:"origin" doc:"scheme, host and port as you dialled them, such as https://tenge.example.kz"`
	Challenge string          `json:"challenge" doc:"one that was made for the wallet of 32 zeros"`
	Signature token.Signature `json:"signature" doc:"by the key, over SHA-256(\"aqsha key v1\" ‖ 0 ‖ network ‖ key, 33 bytes ‖ SHA-256(origin) ‖ challenge)"`
}

// KeyedWallet is a wallet that a key opens.
type KeyedWallet struct {
	Wallet token.WalletID `json:"wallet"`
	As     string         `json:"as" enum:"wallet,recovery" doc:"what the key is to it now"`
}

// WaitingWallet is a wallet that a key was asked for and is not yet in force.
type WaitingWallet struct {
	Wallet token.WalletID `json:"wallet"`
	Due    uint64         `json:"due_millis" doc:"Unix milliseconds, when the key takes effect unless it is cancelled"`
}

// KeyedWallets are those of a key. Those that wait stand apart: who reads Wallets alone opens what he finds there.
type KeyedWallets struct {
	Wallets []KeyedWallet   `json:"wallets"`
	Waiting []WaitingWallet `json:"waiting" doc:"of which it is the new key, which waits; it opens nothing of them yet"`
	// Who waits learns from Former that it is in vain; that a wallet is in no list may mean that this node lags behind.
	Former []token.WalletID `json:"former" doc:"that named it once, and to which it is nothing now"`
}

// registerKeyed serves the question which wallets a key opens.
func (s *Server) registerKeyed() {
	huma.Register(s.api, describe(huma.Operation{OperationID: "find-wallets", Method: http.MethodPost,
		Path:    "/v1/sessions/wallets",
		Summary: "Which wallets a key opens, as their key or their recovery key",
		Description: "For who comes back with a recovery code alone, and for a new key that waits, which sees " +
			"here that it was cancelled. The key signs the question, so that nobody learns whose a key is that " +
			"he does not hold. At most the 64 latest transactions that name the key are looked at."},
		bySignature, http.StatusUnauthorized),
		func(ctx context.Context, in *struct{ Body KeyQuestion }) (*answer[KeyedWallets], error) {
			return ok(s.keyed(ctx, in.Body))
		})
}

// keyed answers who has signed with the key. All refusals are one, as those of a session. The index gives wallets that
// the key was ever named for; what it is to each of them now, the state says.
func (s *Server) keyed(ctx context.Context, in KeyQuestion) (found KeyedWallets, err error) {
	now := time.Now()
	raw, err := hex.DecodeString(in.Challenge)
	if err != nil || len(raw) != token.SessionChallengeBytes {
		return found, signInRefused()
	}
	challenge := [token.SessionChallengeBytes]byte(raw)
	digest := token.KeyDigest(s.node.Network(), in.Key, in.Origin, challenge)
	// The challenge is used up last: a stranger's wrong signature must not use up the one that its owner was given.
	if !s.sessions.ours(in.Origin) || !s.sessions.stands(challenge, token.WalletID{}, now) || !in.Key.Usable() ||
		!token.Verify(in.Key, digest, &in.Signature) || !s.sessions.use(challenge, now) {
		return found, signInRefused()
	}
	named, err := s.node.Keyed(ctx, in.Key)
	if err != nil {
		return found, err
	}
	found.Wallets, found.Waiting, found.Former = []KeyedWallet{}, []WaitingWallet{}, []token.WalletID{}
	err = s.node.View(ctx, func(state *livestate.State, _ node.Head) {
		for _, id := range named {
			w, live := state.Wallet(id)
			detail := state.Detail(id)
			switch {
			case live && w.Key == in.Key:
				found.Wallets = append(found.Wallets, KeyedWallet{id, "wallet"})
			case live && detail.Recovery == in.Key:
				found.Wallets = append(found.Wallets, KeyedWallet{id, "recovery"})
			case live && detail.Rekey.Key == in.Key:
				found.Waiting = append(found.Waiting, WaitingWallet{id, detail.Rekey.DueMillis})
			case !live || detail.Rekey.Recovery != in.Key: // a recovery key may wait as well: it is not over
				found.Former = append(found.Former, id)
			}
		}
	})
	return found, err
}
