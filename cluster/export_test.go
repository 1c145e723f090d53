package cluster

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	cmtconfig "github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/consensus"
	"github.com/cometbft/cometbft/p2p"
	cmtcons "github.com/cometbft/cometbft/proto/tendermint/consensus"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	sm "github.com/cometbft/cometbft/state"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/aqsha/aqsha/token"
)

// Lie has a validator that is not started yet answer its engine otherwise than an honest one.
func Lie(e *Engine, how func(abci.Application) abci.Application) { e.wrap = how }

// BatchOf is transactions as a batch of a block.
func BatchOf(txs ...*token.Transaction) []byte {
	return encodeBatch(digest{}, len(txs), func(i int) *token.Transaction { return txs[i] })
}

// Impatient has a validator fetch the log when it has waited so long for blocks, and keep so few of them for others.
func Impatient(e *Engine, patience time.Duration, blocks uint64) {
	e.patience, e.settings.KeepBlocks = patience, blocks
}

// LeaveSilent has a validator close a connection that has brought nothing for so long.
func LeaveSilent(e *Engine, silence time.Duration) { e.silence = silence }

// Vote sends all peers a vote.
func Vote(e *Engine, vote *cmtproto.Vote) {
	if comet := e.comet.Load(); comet != nil {
		comet.Switch().Broadcast(p2p.Envelope{ChannelID: consensus.VoteChannel, Message: &cmtcons.Vote{Vote: vote}})
	}
}

// Forget has a validator that is not started yet fetch the log as one that was stopped right after CometBFT's first
// start with it, before its first block came: CometBFT has forgotten that there are no blocks.
func Forget(e *Engine) {
	e.fetched = func() {
		db, err := openStore(&cmtconfig.DBContext{ID: "state", Config: e.config(filepath.Join(e.dir, homeDir))})
		if err == nil {
			err = errors.Join(sm.NewStore(db, sm.StoreOptions{}).SetOfflineStateSyncHeight(0), db.Close())
		}
		if err != nil {
			panic(err)
		}
	}
}

// Sign has a validator that is not started yet sign its votes otherwise.
func Sign(e *Engine, how func(cmttypes.PrivValidator) cmttypes.PrivValidator) { e.signs = how }

// Mute connects to a validator's peers in its name, while its engine does not run, and says nothing.
func Mute(e *Engine) (end func(), err error) {
	a, err := e.ask()
	if err != nil {
		return nil, err
	}
	a.connect(e.settings.Peers)
	return a.close, nil
}

// Progress is where a validator is: in the log, in CometBFT's blocks, and in the round and step of the one that is voted
// on. Two that differ show that something came between.
func Progress(e *Engine) string {
	at := "not ordering"
	if state := e.consensus.Load(); state != nil {
		round := state.GetRoundState()
		at = fmt.Sprintf("%d/%d/%s", round.Height, round.Round, round.Step)
	}
	s := e.Status()
	return fmt.Sprint(s.Height, " ", s.CatchingUp, " ", s.Reached, " ", at)
}
