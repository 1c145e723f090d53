package api

import (
	"context"
	"net/http"
	"path/filepath"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aqsha/aqsha/api/backups"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// BackupView is what a wallet's phone laid down here, which this node cannot open.
type BackupView struct {
	Version uint64 `json:"version" doc:"from 1, one more with each change"`
	Changed uint64 `json:"changed_millis" doc:"Unix milliseconds"`
	Sealed  []byte `json:"sealed" doc:"as the phone sealed it: docs/FORMATS.md, Backup of a wallet"`
}

// BackupChange replaces it.
type BackupChange struct {
	After  uint64 `json:"after" doc:"the version in whose place it comes, 0 for none"`
	Sealed []byte `json:"sealed" doc:"1 to 131,072 bytes"`
}

// BackupKept says that it is durable.
type BackupKept struct {
	Version uint64 `json:"version"`
	Changed uint64 `json:"changed_millis" doc:"Unix milliseconds"`
}

// openBackups opens the folder. One that cannot be read costs wallets their backups here and nothing else: it is said.
func (s *Server) openBackups() {
	dir := s.options.Dir
	if dir != "" {
		dir = filepath.Join(dir, backups.Folder)
	}
	var err error
	if s.backups, err = backups.Open(vfs.OS, dir); err != nil {
		s.options.Logger.Error("the folder of wallets' backups cannot be read", "folder", dir, "error", err)
	}
}

// registerBackups: all three are for who holds the wallet's key alone, as nobody else has any use for the box. The
// node cannot open it, and checks neither what is in it nor that it is of this wallet.
func (s *Server) registerBackups() {
	const at = "/v1/wallets/{id}/backup"
	type named struct {
		ID token.WalletID `path:"id"`
	}
	huma.Register(s.api, operation("get-backup", at, "What the wallet's phone laid down here, sealed", byHolder,
		http.StatusNotFound),
		func(ctx context.Context, in *named) (*answer[BackupView], error) {
			if err := mustHold(ctx, in.ID); err != nil {
				return nil, err
			}
			b, err := s.backups.Get(in.ID)
			return ok(BackupView(b), err)
		})
	huma.Register(s.api, describe(huma.Operation{OperationID: "put-backup", Method: http.MethodPut, Path: at,
		Summary: "Lay a sealed backup of the wallet's phone down here", Description: "It comes in the place of the " +
			"version that it names, so that an older page does not overwrite a newer one's. One wallet has one, of at " +
			"most 131,072 bytes, and changes it 20 times at once and then once a minute.", MaxBodyBytes: 1 << 18},
		byHolder, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity,
		http.StatusTooManyRequests),
		func(ctx context.Context, in *struct {
			ID   token.WalletID `path:"id"`
			Body BackupChange
		}) (*answer[BackupKept], error) {
			if err := mustHold(ctx, in.ID); err != nil {
				return nil, err
			}
			b, err := s.backups.Put(in.ID, in.Body.After, in.Body.Sealed, time.Now())
			if err != nil {
				return nil, withRetry(problemOf(err))
			}
			return ok(BackupKept{b.Version, b.Changed}, nil)
		})
	huma.Register(s.api, describe(huma.Operation{OperationID: "delete-backup", Method: http.MethodDelete, Path: at,
		Summary: "Forget the backup of the wallet's phone", DefaultStatus: http.StatusNoContent}, byHolder,
		http.StatusNotFound),
		func(ctx context.Context, in *named) (*struct{}, error) {
			if err := mustHold(ctx, in.ID); err != nil {
				return nil, err
			}
			if err := s.backups.Delete(in.ID); err != nil {
				return nil, problemOf(err)
			}
			return nil, nil
		})
}
