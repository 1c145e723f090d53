package session

import (
	"context"
	"fmt"
	"strings"

	"github.com/aqsha/aqsha/internal/cli"
)

// Tier reads the name or number of a tier, as --tier gives it, by the policy in force. A name goes before a number.
func (s *Session) Tier(ctx context.Context, text string) (uint8, error) {
	a, err := s.API.Authority(ctx)
	if err != nil {
		return 0, err
	}
	names := make([]string, 0, len(a.Policy.Tiers))
	for i, t := range a.Policy.Tiers {
		if t.Name == text || fmt.Sprint(i) == text {
			return uint8(i), nil
		}
		names = append(names, t.Name)
	}
	return 0, cli.Usage(fmt.Errorf("--tier %q: the policy has %s", text, strings.Join(names, ", ")))
}
