package books

import (
	"context"
	"fmt"
	"net/netip"
	"time"
)

// Bans stand in the books' file because that stays with the operator: the pool's log is public, and addresses of
// clients are nobody else's concern. They are not accounts, and may be lost with the file.

const bansSchema = `CREATE TABLE IF NOT EXISTS ban (address TEXT PRIMARY KEY, until_millis INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ban_until ON ban(until_millis);`

// KeepBans adds bans, each until its time, and forgets those that have ended by now and, beyond most, those that end
// first.
func (b *Books) KeepBans(ctx context.Context, bans map[netip.Addr]time.Time, now time.Time, most int) error {
	tx, err := b.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("bans: %w", err)
	}
	defer tx.Rollback()
	for address, until := range bans {
		if _, err := tx.ExecContext(ctx,
			"INSERT INTO ban (address, until_millis) VALUES (?, ?) ON CONFLICT(address) DO UPDATE SET until_millis = "+
				"excluded.until_millis", address.String(), until.UnixMilli()); err != nil {
			return fmt.Errorf("bans: %w", err)
		}
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM ban WHERE until_millis <= ?", now.UnixMilli()); err != nil {
		return fmt.Errorf("bans: %w", err)
	}
	if _, err := tx.ExecContext(ctx,
		"DELETE FROM ban WHERE address IN (SELECT address FROM ban ORDER BY until_millis DESC LIMIT -1 OFFSET ?)",
		most); err != nil {
		return fmt.Errorf("bans: %w", err)
	}
	return tx.Commit()
}

// Bans are those that last beyond now.
func (b *Books) Bans(ctx context.Context, now time.Time) (map[netip.Addr]time.Time, error) {
	rows, err := b.db.QueryContext(ctx, "SELECT address, until_millis FROM ban WHERE until_millis > ?", now.UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("bans: %w", err)
	}
	defer rows.Close()
	bans := map[netip.Addr]time.Time{}
	for rows.Next() {
		var text string
		var until int64
		if err := rows.Scan(&text, &until); err != nil {
			return nil, fmt.Errorf("bans: %w", err)
		}
		address, err := netip.ParseAddr(text)
		if err != nil {
			return nil, fmt.Errorf("bans: %w", err)
		}
		bans[address] = time.UnixMilli(until)
	}
	return bans, rows.Err()
}
