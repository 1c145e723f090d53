package books

import (
	"context"
	"fmt"
)

// Settings of workers stand in the books' file beside the bans: what a miner has asked for, and what
// suits it, is nobody else's concern, and may be lost with the file.

const workersSchema = `CREATE TABLE IF NOT EXISTS worker (
	name TEXT PRIMARY KEY, floor REAL NOT NULL, last REAL NOT NULL) WITHOUT ROWID;`

// WorkerSetting is what is kept of a worker: the least difficulty that it has asked for, and the one that suited it
// last. Zero: none. Both are share difficulties.
type WorkerSetting struct{ Floor, Last float64 }

// KeepWorkers adds or changes settings, by the workers' full names.
func (b *Books) KeepWorkers(ctx context.Context, settings map[string]WorkerSetting) error {
	tx, err := b.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("workers' settings: %w", err)
	}
	defer tx.Rollback()
	for name, s := range settings {
		if _, err := tx.ExecContext(ctx,
			"INSERT INTO worker (name, floor, last) VALUES (?, ?, ?) ON CONFLICT(name) DO UPDATE SET floor = "+
				"excluded.floor, last = excluded.last", name, s.Floor, s.Last); err != nil {
			return fmt.Errorf("workers' settings: %w", err)
		}
	}
	return tx.Commit()
}

// Workers are the settings that were kept.
func (b *Books) Workers(ctx context.Context) (map[string]WorkerSetting, error) {
	rows, err := b.db.QueryContext(ctx, "SELECT name, floor, last FROM worker")
	if err != nil {
		return nil, fmt.Errorf("workers' settings: %w", err)
	}
	defer rows.Close()
	settings := map[string]WorkerSetting{}
	for rows.Next() {
		var name string
		var s WorkerSetting
		if err := rows.Scan(&name, &s.Floor, &s.Last); err != nil {
			return nil, fmt.Errorf("workers' settings: %w", err)
		}
		settings[name] = s
	}
	return settings, rows.Err()
}
