package scenario

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/wallet"
)

// auditor is who keeps a copy of the ledger in the story.
const auditor = "auditor"

// audit has an auditor copy the log, verify all of it, and cosign its checkpoint with a key of its own. The copy is
// found once and followed further in a later run: what was verified is not fetched again.
func audit(ctx context.Context, w *Stage) (err error) {
	dir := filepath.Join(w.DataDir, auditor)
	info, err := w.Client.API.Network(ctx)
	if err != nil {
		return err
	}
	// Without an index and with no key of the story's: what the auditor has is what any stranger could have.
	config := node.Config{Dir: dir, NoIndex: true, Leader: "the story's node",
		Options: txlog.Options{Origin: info.Name}}
	if err := w.Once("found", func() error { return foundAudit(ctx, w, config) }); err != nil {
		return err
	}
	keyring, err := wallet.OpenKeyring(dir, "", nil)
	if err != nil {
		return err
	}
	cosigner, public, err := keyring.Cosigner(auditor)
	if err != nil {
		return err
	}
	verifier, err := node.ParseFollower(public)
	if err != nil {
		return err
	}
	n, err := node.Open(config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	if err := n.FollowUntil(ctx, w.Client.API, cosigner, info.Head.Size, nil); err != nil {
		return err
	}
	signed, c := n.Log().Checkpoint()
	if _, _, err := txlog.OpenCheckpoint(signed, info.Name, note.VerifierList(verifier)); err != nil {
		return fmt.Errorf("the auditor's cosignature: %w", err)
	}
	if err := errors.Join(w.link("log", "", "/explorer"), w.link("trail", Auditor, "/audit")); err != nil {
		return err
	}
	w.Say("audit-say", "entries", c.Size, "blocks", n.Log().Heights())
	w.Proves("audit-proves", "root", c.Root, "auditor", auditor, "dir", dir)
	return nil
}

// foundAudit begins the auditor's copy; what an interrupted attempt left is begun anew.
func foundAudit(ctx context.Context, w *Stage, config node.Config) error {
	if err := os.RemoveAll(config.Dir); err != nil {
		return err
	}
	for genesis, err := range w.Client.API.Entries(ctx, 1) {
		if err != nil {
			return err
		}
		if _, err := node.InitCopy(config, append([]byte(nil), genesis...)); err != nil {
			return err
		}
	}
	return nil
}
