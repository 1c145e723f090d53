package cash

import (
	"context"
	"net/http"

	notes "github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/office"
	"github.com/aqsha/aqsha/money"
)

// MintQuoteView is a mint quote, shaped as NUT-23's. What was paid for it and what was issued is beside the state, as
// NUT-04 has it for methods that no other NUT describes.
type MintQuoteView struct {
	Quote   string       `json:"quote"`
	Request string       `json:"request"`
	Method  string       `json:"method"`
	Amount  notes.Amount `json:"amount"`
	Paid    notes.Amount `json:"amount_paid"`
	Issued  notes.Amount `json:"amount_issued"`
	Unit    string       `json:"unit"`
	State   string       `json:"state"`
	Expiry  uint64       `json:"expiry"`
	Key     *string      `json:"pubkey,omitempty"`
}

// MeltQuoteView is a melt quote, shaped as NUT-23's; Preimage is the ledger's transaction that paid it.
type MeltQuoteView struct {
	Quote    string            `json:"quote"`
	Request  string            `json:"request"`
	Method   string            `json:"method"`
	Amount   notes.Amount      `json:"amount"`
	Unit     string            `json:"unit"`
	Fee      notes.Amount      `json:"fee_reserve"`
	State    string            `json:"state"`
	Expiry   uint64            `json:"expiry"`
	Preimage *string           `json:"payment_preimage"`
	Change   []notes.Signature `json:"change,omitempty"`
	// ours: why the ledger refused the payment when it was sent last
	Reason string `json:"reason,omitempty"`
}

// checkUnit refuses every unit but the one that there is.
func checkUnit(unit string) error {
	if unit != notes.Unit {
		return &notes.Refusal{Code: notes.UnknownUnit, Field: "unit", Rule: "must be " + notes.Unit}
	}
	return nil
}

// mintAnswer is a mint quote as it is shown.
func (s *Server) mintAnswer(m *notes.Mint) (v MintQuoteView, err error) {
	v = MintQuoteView{Quote: m.ID, Method: Method, Amount: notes.Amount(m.Amount), Unit: notes.Unit, State: m.State(),
		Expiry: m.Expiry}
	if v.State != notes.Unpaid { // less buys nothing and goes back, and so does what is more
		v.Paid = v.Amount
	}
	if v.State == notes.Issued {
		v.Issued = v.Amount
	}
	if m.Key != "" {
		v.Key = &m.Key
	}
	v.Request, err = s.office.RequestOf(m)
	return v, err
}

// meltAnswer is a melt quote as it is shown. There is no fee.
func meltAnswer(m *notes.Melt, change []notes.Signature, reason string) MeltQuoteView {
	v := MeltQuoteView{Quote: m.ID, Request: m.Request, Method: Method, Amount: notes.Amount(m.Amount),
		Unit:  notes.Unit,
		State: m.State, Expiry: m.Expiry, Change: change, Reason: reason}
	if m.State == notes.Paid && m.Payment != nil {
		v.Preimage = &m.Payment.ID
	}
	return v
}

// newMintQuote makes a quote; the same request again makes another. With a key (NUT-20) only its holder mints, without
// one whoever knows the quote's id.
func (s *Server) newMintQuote(ctx context.Context, _ [32]byte, r struct {
	Amount notes.Amount `json:"amount"`
	Unit   string       `json:"unit"`
	Key    *string      `json:"pubkey"`
}) (any, error) {
	if err := checkUnit(r.Unit); err != nil {
		return nil, err
	}
	key := ""
	if r.Key != nil {
		key = *r.Key
	}
	m, err := s.office.NewMintQuote(ctx, money.Tiyn(r.Amount), key)
	if err != nil {
		return nil, err
	}
	return s.mintAnswer(&m)
}

// unknownQuote is told of quotes that are not there.
func unknownQuote() error {
	return &notes.Refusal{Code: notes.Malformed, Field: "quote", Rule: "is no quote of this office"}
}

// mintQuote answers with what the office knows, without asking the ledger.
func (s *Server) mintQuote(r *http.Request) (any, error) {
	m, found := s.office.MintQuote(r.PathValue("quote"))
	if !found {
		return nil, unknownQuote()
	}
	if m.State() == notes.Unpaid {
		s.office.Nudge() // has the office look at the ledger; this answer is of before
	}
	return s.mintAnswer(&m)
}

// mintQuotes answers for all or for none (NUT-29): one that is unknown refuses the request, and so does one that is
// named twice, which would be counted twice by who adds the answers up.
func (s *Server) mintQuotes(_ context.Context, _ [32]byte, r struct {
	Quotes []string `json:"quotes"`
}) (any, error) {
	if len(r.Quotes) > office.MaxBatch {
		return nil, &notes.Refusal{Code: notes.TooManyQuotes, Field: "quotes", Rule: "are too many"}
	}
	list := []MintQuoteView{}
	seen := map[string]bool{}
	for _, id := range r.Quotes {
		m, found := s.office.MintQuote(id)
		if !found {
			return nil, unknownQuote()
		}
		if seen[id] {
			return nil, &notes.Refusal{Code: notes.DuplicateQuote, Field: "quotes", Rule: "has one twice"}
		}
		seen[id] = true
		v, err := s.mintAnswer(&m)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

// newMeltQuote makes a quote; the same request again makes another.
func (s *Server) newMeltQuote(ctx context.Context, _ [32]byte, r struct {
	Request string `json:"request"`
	Unit    string `json:"unit"`
}) (any, error) {
	if err := checkUnit(r.Unit); err != nil {
		return nil, err
	}
	m, err := s.office.NewMeltQuote(ctx, r.Request)
	if err != nil {
		return nil, err
	}
	return meltAnswer(&m, nil, ""), nil
}

// meltQuote answers with the state and, of a paid one, the change.
func (s *Server) meltQuote(r *http.Request) (any, error) {
	m, found := s.office.MeltQuote(r.PathValue("quote"))
	if !found {
		return nil, unknownQuote()
	}
	change, err := s.office.Change(r.Context(), &m)
	if err != nil {
		return nil, err
	}
	return meltAnswer(&m, change, s.office.Reason(m.ID)), nil
}
