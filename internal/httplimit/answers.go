package httplimit

import (
	"net/http"
	"time"
)

// bucket is a budget of bytes that fills with time. What is used beyond it is a debt that is waited for: an answer's
// size is not known before it is made.
type bucket struct {
	bytes float64
	at    time.Time
}

// burst is how many seconds' worth of answers may be had at once.
const burst = 2

// fill adds what has come since, up to a burst.
func (b *bucket) fill(perSecond int64, now time.Time) {
	if b.at.IsZero() {
		b.bytes, b.at = float64(burst*perSecond), now
	}
	b.bytes = min(float64(burst*perSecond), b.bytes+now.Sub(b.at).Seconds()*float64(perSecond))
	b.at = now
}

// answers bounds the bytes of answers that strangers are given: encoding long lists takes the processor's time. All of
// it is under the limiter's mu.
type answers struct {
	all       bucket
	addresses map[string]*bucket
	swept     time.Time
}

// mayAnswer says whether an answer may be made for a stranger: while neither he nor all strangers together are in
// debt. An address gets a bucket with its first answer, and loses it once it is full again, so that their number is
// bounded by the answers of the last seconds.
func (l *Limiter) mayAnswer(c Caller, now time.Time) bool {
	if l.limits.AnswersPerAddress == 0 || c.Known || c.Stream || c.Cheap {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.answers.swept) > time.Second { // those that are full are as if they had not been
		l.answers.swept = now
		for address, b := range l.answers.addresses {
			if b.fill(l.limits.AnswersPerAddress, now); b.bytes == float64(burst*l.limits.AnswersPerAddress) {
				delete(l.answers.addresses, address)
			}
		}
	}
	l.answers.all.fill(l.limits.Answers, now)
	b := l.answers.addresses[c.Address]
	if b == nil {
		return l.answers.all.bytes > 0
	}
	b.fill(l.limits.AnswersPerAddress, now)
	return b.bytes > 0 && l.answers.all.bytes > 0
}

// answered takes an answer's bytes from what its address, and all strangers together, have. It may leave less than
// nothing: an answer is not cut, and the next is refused until time has made up for it.
func (l *Limiter) answered(c Caller, bytes int64, now time.Time) {
	if bytes == 0 || l.limits.AnswersPerAddress == 0 || c.Known || c.Stream {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers.all.fill(l.limits.Answers, now)
	l.answers.all.bytes -= float64(bytes)
	b := l.answers.addresses[c.Address]
	if b == nil {
		b = &bucket{}
		l.answers.addresses[c.Address] = b
	}
	b.fill(l.limits.AnswersPerAddress, now)
	b.bytes -= float64(bytes)
}

// timed gives an answer its time from its first byte on: a handler may wait for long before, as long as its own bounds
// let it.
type timed struct {
	http.ResponseWriter
	begun bool
}

func (w *timed) begin() {
	if !w.begun {
		w.begun = true
		_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(time.Now().Add(2 * WriteTimeout))
	}
}

func (w *timed) WriteHeader(status int) {
	w.begin()
	w.ResponseWriter.WriteHeader(status)
}

func (w *timed) Write(b []byte) (int, error) {
	w.begin()
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *timed) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// counted counts an answer's bytes.
type counted struct {
	http.ResponseWriter
	bytes int64
}

// Write counts what was taken, not what was offered.
func (w *counted) Write(b []byte) (int, error) {
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (w *counted) Unwrap() http.ResponseWriter { return w.ResponseWriter }
