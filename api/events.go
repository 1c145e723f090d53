package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aqsha/aqsha/token"
)

// Topics of events. A stream may have several, so that a browser, which opens six connections to one address, needs
// one.
const (
	topicBlocks       = "blocks"
	topicWallet       = "wallet"       // of the session's own wallet
	topicApplications = "applications" // to the bank of the access
	topicDrafts       = "drafts"       // that concern who listens, as a list of them shows
)

// heartbeatEvery is how often a stream says that it is alive, so that whoever listens finds out that it is not.
const heartbeatEvery = 15 * time.Second

// eventID says how far each topic was heard: the last block, the last entry, the last change of an application and of
// a draft. It is the id of every event, so that one header tells where all topics go on.
type eventID struct{ block, entry, application, draft uint64 }

func (e eventID) String() string { return string(e.append(nil)) }

// append writes the four numbers with dots between, in the order of eventIDForm: what a client sends back as
// Last-Event-ID.
func (e eventID) append(text []byte) []byte {
	for i, n := range []uint64{e.block, e.entry, e.application, e.draft} {
		if i > 0 {
			text = append(text, '.')
		}
		text = strconv.AppendUint(text, n, 10)
	}
	return text
}

var eventIDForm = regexp.MustCompile(`^(\d{1,18})\.(\d{1,18})\.(\d{1,18})(?:\.(\d{1,18}))?$`)

// parseEventID reads an id. One of a node that had no drafts among its topics names three numbers: of drafts it has
// heard all that there are.
func parseEventID(text string, now eventID) (e eventID, ok bool) {
	m := eventIDForm.FindStringSubmatch(text)
	if m == nil {
		return e, false
	}
	e.draft = now.draft
	for i, n := range []*uint64{&e.block, &e.entry, &e.application, &e.draft} {
		if m[i+1] != "" {
			*n, _ = strconv.ParseUint(m[i+1], 10, 63)
		}
	}
	return e, true
}

// registerEvents serves the one stream of all topics.
func (s *Server) registerEvents(mux *routes) {
	op := operation("stream-events", "/v1/events", "What happens, by topics (server-sent events)", byAnybody,
		http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity)
	op.Description = "Topics: blocks, to anybody; wallet, to a session or delegation, what touches its wallet; " +
		"applications, to a bank's access, what is asked of it; drafts, to any access, those that a list of them " +
		"would show, as they stand after each change. " +
		"Events are named block, entry, application and draft. Each id says how far all topics were heard; after " +
		"Last-Event-ID what was missed comes first. A comment every fifteen seconds says that the stream is alive."
	op.Parameters = []*huma.Param{
		{Name: "topics", In: "query", Required: true, Schema: &huma.Schema{Type: huma.TypeString},
			Description: "blocks, wallet, applications, drafts: one or several, with commas"},
		{Name: "Last-Event-ID", In: "header", Schema: &huma.Schema{Type: huma.TypeString,
			Pattern: eventIDForm.String()}},
	}
	op.Responses = map[string]*huma.Response{"200": {Description: "Events",
		Content: map[string]*huma.MediaType{"text/event-stream": {Schema: s.eventSchema()}}}}
	s.serveRaw(mux, op, "", s.events)
}

// eventSchema describes events as the other streams' are.
func (s *Server) eventSchema() *huma.Schema {
	schemas := s.api.OpenAPI().Components.Schemas
	of := func(name string, data *huma.Schema) *huma.Schema {
		return &huma.Schema{Title: "Event " + name, Type: huma.TypeObject, Required: []string{"data", "event", "id"},
			Properties: map[string]*huma.Schema{
				"data":  data,
				"event": {Type: huma.TypeString, Extensions: map[string]any{"const": name}},
				"id": {Type: huma.TypeString, Pattern: eventIDForm.String(),
					Description: "how far all topics were heard"},
			}}
	}
	return &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{Extensions: map[string]any{"oneOf": []*huma.Schema{
		of("block", schemas.Schema(typeOf[BlockView](), true, "BlockView")),
		of("entry", schemas.Schema(typeOf[HistoryLine](), true, "HistoryLine")),
		of("application", schemas.Schema(typeOf[ApplicationView](), true, "ApplicationView")),
		of("draft", schemas.Schema(typeOf[DraftView](), true, "DraftView")),
	}}}}
}

// eventStream is one listener. The goroutine of its request has it alone.
type eventStream struct {
	s       *Server
	w       http.ResponseWriter
	control *http.ResponseController
	topics  []string
	access  *Access
	wallet  token.WalletID
	bank    token.WalletID
	heard   eventID
	pending []byte // what goes out with the end of a look, together
	// closed at the next change of any application, or draft, of those among the topics
	changes []<-chan struct{}
}

// events answers with a stream, or says why there is none before it begins.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	e := &eventStream{s: s, w: w, control: http.NewResponseController(w),
		topics: strings.Split(r.URL.Query().Get("topics"), ",")}
	access, _ := r.Context().Value(accessKey{}).(*Access)
	if secret, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && access == everything {
		// a node that is open to read does not know whose wallet is meant
		if own := s.session(r.Context(), secret); own != nil {
			access = own
		}
	}
	e.access = access
	if err := e.permit(access); err != nil {
		writeProblem(w, problemOf(err))
		return
	}
	if err := e.from(r.Header.Get("Last-Event-ID")); err != nil {
		writeProblem(w, problemOf(err))
		return
	}
	ctx, cancel := context.WithCancel(context.WithValue(r.Context(), accessKey{}, access))
	defer cancel()
	defer context.AfterFunc(s.streaming, cancel)()
	s.listeners.Add(1)
	defer s.listeners.Add(-1)
	_ = e.control.SetReadDeadline(time.Time{}) // nothing more is read; the stream lasts
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	if err := e.say("aqsha"); err != nil {
		return
	}
	_ = e.run(ctx)
}

// permit checks topics and rights. An unknown topic is refused whoever asks, so that a misspelt one is not a stream
// that never says anything.
func (e *eventStream) permit(access *Access) error {
	slices.Sort(e.topics)
	e.topics = slices.Compact(e.topics)
	for _, topic := range e.topics {
		switch {
		case topic == topicBlocks:
		case topic != topicWallet && topic != topicApplications && topic != topicDrafts:
			return token.Errorf(token.OutOfRange, "topics", "%s is none of blocks, wallet, applications, drafts",
				strconv.QuoteToASCII(topic))
		case access == nil:
			return newProblem(http.StatusUnauthorized, codeUnauthorised, "Authorization", needsAccess)
		case topic == topicWallet && access.ofWallet():
			e.wallet = access.wallet
		case topic == topicApplications && access.Role == RoleIntermediary:
			e.bank = access.Intermediary
		case topic == topicDrafts && access.Role != RoleStaff:
		default:
			return newProblem(http.StatusForbidden, codeForbidden, "topics",
				topic+" is for another kind of access than yours")
		}
	}
	return nil
}

// from goes on after what was heard last, or begins now.
func (e *eventStream) from(last string) error {
	head := e.s.node.Head()
	now := eventID{head.Height, head.Size - 1, e.s.applications.last(), e.s.drafts.Last()}
	e.heard = now
	if last == "" {
		return nil
	}
	heard, ok := parseEventID(last, now)
	if !ok {
		return token.Errorf(token.OutOfRange, "Last-Event-ID", "want the id of an event")
	}
	if _, follows := e.s.node.FollowState(); !follows && e.s.node.HeadKnown() && (heard.block > now.block ||
		heard.entry > now.entry) {
		return token.Errorf(token.OutOfRange, "Last-Event-ID",
			"it is ahead of this node (%s): is this the same network? Begin again without it", now)
	}
	heard.application = min(heard.application, now.application) // a table that was begun anew counts from the start
	heard.draft = min(heard.draft, now.draft)
	e.heard = heard
	return nil
}

// maxPending is how many bytes a stream gathers before it sends them.
const maxPending = 256 << 10

// gathered is memory in which a look gathers what goes out. Streams share it: each needs it for a moment, and a
// thousand that keep their own take the processor for nothing but its growth.
var gathered = sync.Pool{New: func() any {
	buffer := make([]byte, 0, maxPending)
	return &buffer
}}

// gather has what look adds sent, together.
func (e *eventStream) gather(look func() error) error {
	buffer := gathered.Get().(*[]byte)
	e.pending = (*buffer)[:0]
	defer func() {
		if *buffer, e.pending = e.pending, nil; cap(*buffer) <= 2*maxPending {
			gathered.Put(buffer)
		}
	}()
	if err := look(); err != nil {
		return err
	}
	return e.flush()
}

// flush sends what was gathered so far.
func (e *eventStream) flush() error {
	if len(e.pending) > 0 {
		if _, err := e.w.Write(e.pending); err != nil {
			return err
		}
		e.pending = e.pending[:0]
	}
	return e.control.Flush()
}

// say sends a comment, by which a listener knows that the stream is alive.
func (e *eventStream) say(comment string) error {
	return e.gather(func() error {
		e.pending = append(e.pending, ": "+comment+"\n\n"...)
		return nil
	})
}

// send adds an event to what goes out.
func (e *eventStream) send(name string, data any) error {
	body, err := json.Marshal(data)
	if err != nil {
		return err
	}
	return e.sendText(name, body)
}

// sendText adds an event to what is pending, under an id that says how far all topics were heard.
func (e *eventStream) sendText(name string, body []byte) error {
	if len(e.pending)+len(body) > maxPending {
		if err := e.flush(); err != nil {
			return err
		}
	}
	e.pending = e.heard.append(append(e.pending, "id: "...))
	e.pending = append(append(append(e.pending, "\nevent: "...), name...), "\ndata: "...)
	e.pending = append(append(e.pending, body...), "\n\n"...)
	return nil
}

// run sends until the listener, the server or the right to listen ends. The channels of changes are taken before the
// look: what changes between the two is seen at once or wakes the wait.
func (e *eventStream) run(ctx context.Context) error {
	for height := e.s.node.Head().Height; ; height = e.s.node.Head().Height {
		e.changes = e.changes[:0]
		if slices.Contains(e.topics, topicApplications) {
			e.changes = append(e.changes, e.s.applications.changed())
		}
		if slices.Contains(e.topics, topicDrafts) {
			e.changes = append(e.changes, e.s.drafts.Changed())
		}
		if err := e.gather(func() error { return e.catchUp(ctx) }); err != nil {
			return err
		}
		if err := e.wait(ctx, height+1); err != nil {
			return err
		}
		select {
		case <-time.After(e.s.listenPause()):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// All streams of events together look for news so often a second at most: what a thousand listeners cost is then what
// a few cost, and payments keep the processor. One that has heard nothing for a while hears of the next at once.
const (
	looksPerSecond = 1000
	maxPause       = 5 * time.Second
)

// listenPause is the least time between two looks of a stream, by how many there are. n streams pause for n /
// looksPerSecond seconds each, at least streamPause and at most maxPause.
func (s *Server) listenPause() time.Duration {
	fair := time.Duration(s.listeners.Load()) * time.Second / looksPerSecond
	return min(max(fair, streamPause), maxPause)
}

// wait returns when there may be news, and says meanwhile that the stream is alive.
func (e *eventStream) wait(ctx context.Context, height uint64) error {
	for {
		waiting, cancel := context.WithTimeout(ctx, heartbeatEvery)
		for _, change := range e.changes {
			go func() {
				select {
				case <-change:
					cancel()
				case <-waiting.Done():
				}
			}()
		}
		err := e.s.node.WaitHeight(waiting, height)
		over := errors.Is(waiting.Err(), context.DeadlineExceeded)
		cancel()
		switch {
		case err == nil || ctx.Err() != nil:
			return ctx.Err()
		case !over && e.s.node.Err() != nil:
			return err
		case !over:
			return nil // an application or draft changed, or the disk is full: the next look says which
		}
		if err := e.say("alive"); err != nil {
			return err
		}
		if slices.Contains(e.topics, topicDrafts) {
			return nil // one may have lapsed, which nobody did
		}
	}
}

// catchUp gathers what has happened since what was heard last. What is not the listener's is passed over and counted as
// heard.
func (e *eventStream) catchUp(ctx context.Context) error {
	if slices.Contains(e.topics, topicBlocks) {
		for last := e.s.node.Head().Height; e.heard.block < last; {
			body, err := e.s.blockText(e.heard.block + 1)
			if err != nil {
				return err
			}
			// Each step is noted before it is sent: what fails to be sent ends the stream, and the client says by the
			// last id that it has where to go on.
			e.heard.block++
			if err := e.sendText("block", body); err != nil {
				return err
			}
		}
	}
	if slices.Contains(e.topics, topicWallet) {
		lines, err := e.s.linesAfter(ctx, e.wallet, e.heard.entry)
		if err != nil {
			return err
		}
		for _, line := range lines {
			e.heard.entry = line.Index
			if err := e.send("entry", filled(line)); err != nil {
				return err
			}
		}
	}
	if slices.Contains(e.topics, topicApplications) {
		for _, a := range e.s.applications.after(e.bank, e.heard.application) {
			e.heard.application = a.Change
			if err := e.send("application", a.view()); err != nil {
				return err
			}
		}
	}
	if slices.Contains(e.topics, topicDrafts) {
		for _, d := range e.s.drafts.After(e.heard.draft, e.s.now()) {
			e.heard.draft = d.Change
			if !e.s.concerns(ctx, e.access, d) {
				continue
			}
			if err := e.send("draft", filled(e.s.draftView(ctx, d))); err != nil {
				return err
			}
		}
	}
	return nil
}
