package cluster

import (
	"sync"

	dbm "github.com/cometbft/cometbft-db"
	cmtconfig "github.com/cometbft/cometbft/config"
)

// store is a database of CometBFT's that may be read after it was closed: there is nothing in it then. Goroutines that
// tell peers what this node has are not waited for when it stops, and panic when a read fails.
type store struct {
	dbm.DB
	mu     sync.RWMutex
	closed bool
}

// openStore opens a database for CometBFT.
func openStore(ctx *cmtconfig.DBContext) (dbm.DB, error) {
	db, err := cmtconfig.DefaultDBProvider(ctx)
	if err != nil {
		return nil, err
	}
	return &store{DB: db}, nil
}

// Get is nothing after Close.
func (s *store) Get(key []byte) ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, nil
	}
	return s.DB.Get(key)
}

// Has is false after Close.
func (s *store) Has(key []byte) (bool, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return false, nil
	}
	return s.DB.Has(key)
}

// Close closes it once those who read have.
func (s *store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	return s.DB.Close()
}
