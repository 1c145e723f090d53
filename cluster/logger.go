package cluster

import (
	"fmt"
	"log/slog"

	"github.com/cometbft/cometbft/libs/log"
)

// cometLogger hands on what CometBFT logs. It says much on every block, which is for those who look for a fault.
type cometLogger struct {
	to    *slog.Logger
	fails func(cause string)
	links bool // of what connects to peers
}

// consensusFailure is what CometBFT says, and nowhere else shows, when its state machine has stopped.
const consensusFailure = "CONSENSUS FAILURE!!!"

func (l *cometLogger) Debug(string, ...any) {}

func (l *cometLogger) Info(msg string, keyvals ...any) { l.to.Debug(msg, printable(keyvals)...) }

func (l *cometLogger) Error(msg string, keyvals ...any) {
	if msg == consensusFailure {
		cause := msg
		for i := 0; i+1 < len(keyvals); i += 2 {
			if keyvals[i] == "err" {
				cause = fmt.Sprint(keyvals[i+1])
			}
		}
		l.to.Error("this validator has stopped", "cause", cause)
		l.fails(cause)
		return
	}
	if l.links { // peers come and go: Status says who is connected
		l.to.Debug(msg, printable(keyvals)...)
		return
	}
	l.to.Warn(msg, printable(keyvals)...)
}

// With is a logger of a part of the engine; of those that speak with other validators failures are everyday.
func (l *cometLogger) With(keyvals ...any) log.Logger {
	links := l.links
	for i := 0; i+1 < len(keyvals); i += 2 {
		if keyvals[i] == "module" {
			module := fmt.Sprint(keyvals[i+1])
			links = module == "p2p" || module == "blocksync" || module == "mempool"
		}
	}
	return &cometLogger{l.to.With(printable(keyvals)...), l.fails, links}
}

// printable turns values into texts when, and only when, they are logged.
func printable(keyvals []any) []any {
	out := make([]any, len(keyvals))
	for i, v := range keyvals {
		if i%2 == 0 {
			out[i] = fmt.Sprint(v)
			continue
		}
		out[i] = lazy{v}
	}
	return out
}

type lazy struct{ of any }

func (l lazy) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(l.of)) }
