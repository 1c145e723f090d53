package books

import (
	"context"
	"fmt"
)

// version is of the rules that the entries follow. Books of before have 0; the log gives other entries
// today, so they are written anew, and what they said stays in the file as entry_before and posting_before.
const version = 2

// Outdated tells whether the books hold entries of earlier rules. Books without entries take the
// present rules.
func (b *Books) Outdated(ctx context.Context) (bool, error) {
	var is, count int
	if err := b.db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&is); err != nil {
		return false, fmt.Errorf("books: %w", err)
	}
	if is > version {
		return false, fmt.Errorf("books are of version %d; this program knows %d", is, version)
	}
	if is == version {
		return false, nil
	}
	if err := b.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM entry").Scan(&count); err != nil {
		return false, fmt.Errorf("books: %w", err)
	}
	if count > 0 {
		return true, nil
	}
	if _, err := b.db.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version)); err != nil {
		return false, fmt.Errorf("books: %w", err)
	}
	return false, nil
}

// Keys lists the keys of entries that begin with one of the prefixes, prefix by prefix, in the order of booking.
func (b *Books) Keys(ctx context.Context, prefixes ...string) (keys []string, err error) {
	for _, prefix := range prefixes {
		rows, err := b.db.QueryContext(ctx, "SELECT key FROM entry WHERE substr(key, 1, ?) = ? ORDER BY id",
			len(prefix), prefix)
		if err != nil {
			return nil, fmt.Errorf("books: %w", err)
		}
		for rows.Next() {
			var key string
			if err := rows.Scan(&key); err != nil {
				rows.Close()
				return nil, fmt.Errorf("books: %w", err)
			}
			keys = append(keys, key)
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return nil, fmt.Errorf("books: %w", err)
		}
	}
	return keys, nil
}

// Rebuild begins the books anew with entries, and keeps the old ones beside, in tables named _before. A crash leaves
// either. Where an earlier rebuild's tables are still there it fails and changes nothing.
func (b *Books) Rebuild(ctx context.Context, entries []Entry) error {
	tx, err := b.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("books: %w", err)
	}
	defer tx.Rollback()
	for _, statement := range []string{
		"DROP INDEX IF EXISTS posting_account", "DROP INDEX IF EXISTS posting_entry",
		"ALTER TABLE entry RENAME TO entry_before", "ALTER TABLE posting RENAME TO posting_before",
		schema, fmt.Sprintf("PRAGMA user_version = %d", version),
	} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("books, %.40s: %w", statement, err)
		}
	}
	for _, e := range entries {
		if err := e.Check(); err != nil {
			return err
		}
		if err := bookOne(ctx, tx, e); err != nil {
			return fmt.Errorf("books: %w", err)
		}
	}
	return tx.Commit()
}
