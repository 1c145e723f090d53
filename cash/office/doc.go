// Package office runs a cash office: it holds requests against the rules of cash, keeps what happened in a journal that
// is durable before anybody is answered, closes blocks of the public log by time, and pays and is paid on the ledger.
//
// Two records. The journal is private: events in their order, with the grouping of requests, which crash safety and
// repeats need; files older than the retry window are removed, and only sets and sums remain (the books). The cash log
// is public, on txlog (cash/record).
//
// What a crash does: a torn record of the journal was never acknowledged and is cut. A block that was closed in the
// journal and is not in the log is written again, the same byte for byte. A melt whose payment was signed is asked for
// at the ledger and sent again, under its one id, until the ledger has it or can never have it; its notes are pending
// exactly so long.
//
// It imports cash, cash/record, txlog and internal/durable; the ledger is behind an interface.
package office
