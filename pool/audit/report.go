package audit

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/aqsha/aqsha/internal/safecsv"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/pool/sharelog"
)

// Member is whom the state knows behind a wallet.
type Member struct {
	Wallet, IIN, Name, Licence string
	LicenceDate                params.Date
}

// maxMembers bounds a list of members.
const maxMembers = 1_000_000

// ReadMembers reads a CSV with the columns wallet, iin_bin, name, licence, licence_date, with or without these names
// as its first line. Errors name the line. Of a wallet that stands twice the last line counts.
// byteOrderMark is what spreadsheet programs begin a CSV in UTF-8 with.
const byteOrderMark = "\ufeff"

// ReadMembers reads a CSV with the columns wallet, iin_bin, name, licence, licence_date.
func ReadMembers(from io.Reader) (map[string]Member, error) {
	text := bufio.NewReader(from)
	if mark, _ := text.Peek(len(byteOrderMark)); string(mark) == byteOrderMark {
		_, _ = text.Discard(len(byteOrderMark))
	}
	reader := csv.NewReader(text)
	reader.FieldsPerRecord = 5
	members := map[string]Member{}
	for line := 1; ; line++ {
		fields, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return members, nil
		}
		if err != nil {
			return nil, fmt.Errorf("members: %w", err)
		}
		if line == 1 && fields[0] == "wallet" {
			continue
		}
		if len(members) >= maxMembers {
			return nil, fmt.Errorf("members: more than %d", maxMembers)
		}
		date, err := params.ParseDate(fields[4])
		if err != nil {
			return nil, fmt.Errorf("members, line %d, licence_date: %w", line, err)
		}
		if !isIIN(fields[1]) {
			return nil, fmt.Errorf("members, line %d, iin_bin %q: want 12 digits with a right check digit", line,
				fields[1])
		}
		if _, twice := members[fields[0]]; twice { // one of the two would be named to the state for the other
			return nil, fmt.Errorf("members, line %d: wallet %.90q stands there twice", line, fields[0])
		}
		members[fields[0]] = Member{fields[0], fields[1], fields[2], fields[3], date}
	}
}

// isIIN checks the last digit of Kazakhstan's 12-digit identifiers: the weighted sum of the others
// modulo 11, with weights 1 to 11, and when that is 10 with weights 3 to 11, 1, 2.
func isIIN(text string) bool {
	if len(text) != 12 {
		return false
	}
	first, second := 0, 0
	for i, c := range text {
		if c < '0' || c > '9' {
			return false
		}
		if i < 11 {
			first += int(c-'0') * (i + 1)
			second += int(c-'0') * ((i+2)%11 + 1)
		}
	}
	check := first % 11
	if check == 10 {
		check = second % 11
	}
	return check < 10 && check == int(text[11]-'0')
}

// Distribution is one payment to one member.
type Distribution struct {
	Member Member
	Wallet string
	Time   time.Time
	Amount string // bitcoin, eight decimals
	Source string // the block or transaction that paid
}

// Distributions lists what final blocks and the operator's wallet have paid in a span of days (inclusive, in the zone
// given), oldest first, and the wallets that no member has claimed. Each is of the day on which it became certain: a
// block when it was final, a payment when the block that confirmed it was mined. So a report of days that have passed
// never changes, and what the last day's blocks pay is in the next one.
func (a *Auditor) Distributions(members map[string]Member, from, to params.Date,
	zone *time.Location) (paid []Distribution, unclaimed []string) {
	missing := map[string]bool{}
	add := func(user uint64, at time.Time, amount fmt.Stringer, source string) {
		day := params.DateOf(at.In(zone))
		if user == 0 || day < from || day > to {
			return
		}
		wallet := a.address(user)
		member, known := members[wallet]
		if !known && !missing[wallet] {
			missing[wallet] = true
			unclaimed = append(unclaimed, wallet)
		}
		paid = append(paid, Distribution{member, wallet, at.In(zone), amount.String(), source})
	}
	for _, b := range a.state.Blocks {
		// A block that may still be orphaned has paid nobody yet.
		if b.Status != sharelog.StatusConfirmed {
			continue
		}
		for _, p := range b.Job.Variants[b.Variant].Payees {
			if p.Amount > 0 {
				add(p.User, time.UnixMilli(b.Settled), p.Amount, "block "+b.Hash.String())
			}
		}
	}
	for _, one := range a.state.Payments {
		id, timeMillis, has := one.Transaction()
		if !has {
			continue
		}
		for _, p := range one.Payees {
			add(p.User, time.UnixMilli(timeMillis), p.Amount, "transaction "+id.String())
		}
	}
	slices.SortStableFunc(paid, func(x, y Distribution) int { return x.Time.Compare(y.Time) })
	return paid, unclaimed
}

// WriteReport writes distributions in the columns that pools must file (order of 20 February 2026):
// IIN/BIN, name, licence number and date, wallet, date, amount.
func WriteReport(to io.Writer, distributions []Distribution) error {
	writer := safecsv.NewWriter(to)
	_ = writer.Write([]string{"iin_bin", "name", "licence", "licence_date", "wallet", "date", "amount_btc", "source"})
	for _, d := range distributions {
		_ = writer.Write([]string{d.Member.IIN, d.Member.Name, d.Member.Licence, string(d.Member.LicenceDate), d.Wallet,
			d.Time.Format(time.DateOnly), d.Amount,
			d.Source})
	}
	writer.Flush()
	return writer.Error()
}
