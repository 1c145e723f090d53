package pool

import "fmt"

// Contradiction is a place where a log contradicts itself, or the chain: evidence against who has signed it.
type Contradiction struct {
	Entry uint64 `json:"entry"` // index in the log
	Field string `json:"field"`
	Claim string `json:"claim"`          // what the log says
	Fact  string `json:"fact,omitempty"` // what follows from the bytes that were hashed, or from the chain
}

func (c Contradiction) String() string {
	if c.Fact == "" {
		return fmt.Sprintf("log entry %d, %s: %s", c.Entry, c.Field, c.Claim)
	}
	return fmt.Sprintf("log entry %d, %s: the log says %s; %s", c.Entry, c.Field, c.Claim, c.Fact)
}

func (a *Auditor) convict(entry uint64, field, claim, fact string) {
	a.evidence = append(a.evidence, Contradiction{entry, field, claim, fact})
}

// Contradictions lists what was found, in the order of the log.
func (a *Auditor) Contradictions() []Contradiction { return a.evidence }
