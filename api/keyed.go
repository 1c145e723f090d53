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

// KeyedWallets are those of a key.
type KeyedWallets struct {
	Wallets []KeyedWallet `json:"wallets"`
}

// registerKeyed serves the question which wallets a key opens.
func (s *Server) registerKeyed() {
	huma.Register(s.api, describe(huma.Operation{OperationID: "find-wallets", Method: http.MethodPost,
		Path:    "/v1/sessions/wallets",
		Summary: "Which wallets a key opens, as their key or their recovery key",
		Description: "For who comes back with a recovery code alone. The key signs the question, so that nobody " +
			"learns whose a key is that he does not hold. At most the 64 latest transactions that name the key are " +
			"looked at."}, bySignature, http.StatusUnauthorized),
		func(ctx context.Context, in *struct{ Body KeyQuestion }) (*answer[KeyedWallets], error) {
			return ok(s.keyed(ctx, in.Body))
		})
}

// keyed answers who has signed with the key. All refusals are one, as those of a session. The index gives wallets that
// the key was ever named for; what is answered are those of which it is the key, or the recovery key, now.
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
	found.Wallets = []KeyedWallet{}
	err = s.node.View(ctx, func(state *livestate.State, _ node.Head) {
		for _, id := range named {
			w, live := state.Wallet(id)
			switch {
			case !live:
			case w.Key == in.Key:
				found.Wallets = append(found.Wallets, KeyedWallet{id, "wallet"})
			case state.Detail(id).Recovery == in.Key:
				found.Wallets = append(found.Wallets, KeyedWallet{id, "recovery"})
			}
		}
	})
	return found, err
}
