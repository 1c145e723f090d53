package usage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aqsha/aqsha/market"
)

// TengeStats are what an Aqsha node tells of the digital tenge; a nil is not
// available. A file with these fields can stand in for a node.
type TengeStats struct {
	Node            string   `json:"node"`
	CirculatingTiyn *float64 `json:"circulating_tiyn"`
	Wallets         *float64 `json:"wallets"`
	ActiveWallets   *float64 `json:"active_wallets"` // a day
	Transactions    *float64 `json:"transactions"`   // in the span
	ValueTiyn       *float64 `json:"value_tiyn"`     // transferred in the span
	SpanSeconds     *float64 `json:"span_seconds"`
	FeeTiyn         *float64 `json:"fee_tiyn"` // a payment
	PowerWatts      *float64 `json:"power_watts"`
	CapacityPerSec  *float64 `json:"capacity_per_second"`
	BlockSeconds    *float64 `json:"block_seconds"` // from one block to the next, mean

	Nodes            *float64 `json:"nodes,omitempty"`              // the one that was asked and its followers
	BusiestPerSecond *float64 `json:"busiest_per_second,omitempty"` // of the seconds seen: capacity is at least that
	// fewest of the authority that must be stolen together
	KeysOfFraud *float64 `json:"keys_of_fraud,omitempty"`
	// Days stand in place of the blocks' figures where the node has them.
	Days *TengeDays `json:"days,omitempty"`
}

// maxAnswer bounds what is read of an answer, in bytes: it is of another's node. A longer one is cut and then not
// understood.
const maxAnswer = 8 << 20

// leastSpan is how many seconds a node's blocks must span before figures of a day or a year are made of them: those
// of a network that has run for ten seconds are of nobody's day.
const leastSpan = 86400

// FetchTenge asks a node for its supply, its last 500 blocks, its daily series, its
// followers and the authority's keys. What the node does not publish (power, or the
// last three at an older one) stays not available.
func FetchTenge(ctx context.Context, client *http.Client, base string) (TengeStats, error) {
	s := TengeStats{Node: base}
	var supply struct {
		Circulating float64 `json:"circulating"`
		Wallets     float64 `json:"wallets"`
	}
	if err := getJSON(ctx, client, base, "/v1/supply", &supply); err != nil {
		return s, err
	}
	var blocks []struct {
		Height     uint64  `json:"height"`
		TimeMillis float64 `json:"time_millis"`
		Count      float64 `json:"count"`
	}
	if err := getJSON(ctx, client, base, "/v1/blocks?limit=500", &blocks); err != nil {
		return s, err
	}
	s.CirculatingTiyn, s.Wallets = &supply.Circulating, &supply.Wallets
	if n := len(blocks); n > 1 { // latest first; the oldest block's entries lie before the span
		span, count := (blocks[0].TimeMillis-blocks[n-1].TimeMillis)/1000, 0.0
		for _, b := range blocks[:n-1] {
			count += b.Count
		}
		pace := span / float64(n-1)
		s.Transactions, s.SpanSeconds, s.BlockSeconds = &count, &span, &pace
	}
	seconds := map[int64]float64{}
	for _, b := range blocks {
		second := int64(b.TimeMillis) / 1000
		if seconds[second] += b.Count; s.BusiestPerSecond == nil || seconds[second] > *s.BusiestPerSecond {
			most := seconds[second]
			s.BusiestPerSecond = &most
		}
	}
	if err := s.asked(ctx, client, base); err != nil {
		return s, err
	}
	var err error
	s.Days, err = FetchDays(ctx, client, base, time.Now().UTC())
	return s, err
}

// asked adds what only newer nodes answer; one that has no such page is no
// failure, and one whose answer cannot be read is.
func (s *TengeStats) asked(ctx context.Context, client *http.Client, base string) error {
	var members struct {
		Followers []string `json:"followers"`
	}
	switch err := getJSON(ctx, client, base, "/v1/followers", &members); {
	case err != nil && !withheld(err):
		return err
	case err == nil:
		nodes := 1 + float64(len(members.Followers))
		s.Nodes = &nodes
	}
	var authority struct {
		Sets []struct {
			Threshold float64 `json:"threshold"`
		} `json:"sets"`
	}
	switch err := getJSON(ctx, client, base, "/v1/authority", &authority); {
	case err != nil && !withheld(err):
		return err
	case err == nil:
		for _, set := range authority.Sets {
			if least := set.Threshold; least > 0 && (s.KeysOfFraud == nil || least < *s.KeysOfFraud) {
				s.KeysOfFraud = &least
			}
		}
	}
	return nil
}

// statusError is an answer that is none.
type statusError struct {
	path   string
	status int
}

func (e statusError) Error() string {
	return fmt.Sprintf("asking the node: %s answered %d %s", e.path, e.status, http.StatusText(e.status))
}

// withheld: the node has no such page, being older, or does not show it to this asker.
func withheld(err error) bool {
	var answer statusError
	return errors.As(err, &answer) && slices.Contains([]int{http.StatusNotFound, http.StatusMethodNotAllowed,
		http.StatusUnauthorized, http.StatusForbidden, http.StatusNotImplemented}, answer.status)
}

// getJSON asks a node for one path. A status other than 200 comes back as statusError, so that the caller can tell a
// page that an older node does not have from a failure.
func getJSON(ctx context.Context, client *http.Client, base, path string, to any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(base, "/")+path, nil)
	if err != nil {
		return market.Refuse("node", "node", "%v", err)
	}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("asking the node: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return statusError{path, response.StatusCode}
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, to); err != nil {
		return market.Refuse("node", path, "the node's answer is not understood: %v", err)
	}
	return nil
}

// ReadTenge reads such statistics from a file's bytes.
func ReadTenge(data []byte) (TengeStats, error) {
	var s TengeStats
	if len(data) > 1<<20 {
		return s, market.Refuse("too-large", "tenge", "more than 1 MiB")
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return s, market.Refuse("tenge", "tenge", "%v", err)
	}
	return s, nil
}

// System is the tenge's column. kztPerUSD turns tenge into the table's unit.
func (t TengeStats) System(kztPerUSD float64, at time.Time) System {
	s := System{Name: "digital tenge", Source: t.Node, To: at.Format(time.DateOnly), Values: map[string]float64{}}
	over := func(a, b *float64) (float64, bool) {
		if a == nil || b == nil || *b <= 0 {
			return 0, false
		}
		return *a / *b, true
	}
	usd := func(tiyn float64) float64 { return tiyn / 100 / kztPerUSD }
	perSecond, known := over(t.Transactions, t.SpanSeconds)
	wholeDay := t.SpanSeconds != nil && *t.SpanSeconds >= leastSpan
	if known {
		if wholeDay {
			s.set("transactions", 86400*perSecond)
		}
		if t.PowerWatts != nil && perSecond > 0 {
			s.set("electricity per payment", *t.PowerWatts/perSecond/3.6e6)
		}
		if t.CapacityPerSec != nil && *t.CapacityPerSec > 0 {
			s.set("network K_int", perSecond / *t.CapacityPerSec)
			if wholeDay {
				s.set("capacity reserve", 86400*(*t.CapacityPerSec-perSecond))
			}
		}
	}
	if t.CapacityPerSec != nil {
		s.set("capacity", 86400**t.CapacityPerSec)
	}
	if t.BlockSeconds != nil { // a signed block is not undone
		s.set("time to finality", *t.BlockSeconds/60)
	}
	if v, ok := over(t.ActiveWallets, t.Wallets); ok {
		s.set("currency K_ext", v)
	}
	if value, ok := over(t.ValueTiyn, t.SpanSeconds); ok && wholeDay {
		if v, ok := over(&value, t.CirculatingTiyn); ok {
			s.set("velocity", v*86400*365)
		}
		if v, ok := over(&value, t.ActiveWallets); ok && kztPerUSD > 0 {
			s.set("value per active address", usd(v*86400))
		}
		if t.FeeTiyn != nil && known {
			s.set("fee over value", *t.FeeTiyn*perSecond/value)
		}
	}
	if t.FeeTiyn != nil && kztPerUSD > 0 {
		s.set("fee per payment", usd(*t.FeeTiyn))
		s.set("median fee", usd(*t.FeeTiyn))
	}
	if t.Days != nil {
		s.Remarks = append(s.Remarks, t.Days.remark())
	}
	if t.Days.whole() {
		t.daily(&s, kztPerUSD)
	}
	return s
}
