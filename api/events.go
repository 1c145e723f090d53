package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
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
)

// heartbeatEvery is how often a stream says that it is alive, so that whoever listens finds out that it is not.
const heartbeatEvery = 15 * time.Second

// eventID says how far each topic was heard: the last block, the last entry, the last change of an application. It is
// the id of every event, so that one header tells where all topics go on.
type eventID struct{ block, entry, application uint64 }

func (e eventID) String() string { return fmt.Sprintf("%d.%d.%d", e.block, e.entry, e.application) }

var eventIDForm = regexp.MustCompile(`^(\d{1,18})\.(\d{1,18})\.(\d{1,18})$`)

func parseEventID(text string) (e eventID, ok bool) {
	m := eventIDForm.FindStringSubmatch(text)
	if m == nil {
		return e, false
	}
	e.block, _ = strconv.ParseUint(m[1], 10, 63)
	e.entry, _ = strconv.ParseUint(m[2], 10, 63)
	e.application, _ = strconv.ParseUint(m[3], 10, 63)
	return e, true
}

func (s *Server) registerEvents(mux *routes) {
	op := operation("stream-events", "/v1/events", "What happens, by topics (server-sent events)", byAnybody,
		http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity)
	op.Description = "Topics: blocks, to anybody; wallet, to a session or delegation, what touches its wallet; " +
		"applications, to a bank's access, what is asked of it. " +
		"Events are named block, entry and application. Each id says how far all topics were heard; after " +
		"Last-Event-ID what was missed comes first. A comment every fifteen seconds says that the stream is alive."
	op.Parameters = []*huma.Param{
		{Name: "topics", In: "query", Required: true, Schema: &huma.Schema{Type: huma.TypeString},
			Description: "blocks, wallet, applications: one or several, with commas"},
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
	}}}}
}

// eventStream is one listener.
type eventStream struct {
	s            *Server
	w            http.ResponseWriter
	control      *http.ResponseController
	topics       []string
	wallet       token.WalletID
	bank         token.WalletID
	heard        eventID
	applications <-chan struct{} // closed at the next change of any application
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
	if err := e.permit(access); err != nil {
		writeProblem(w, problemOf(err))
		return
	}
	if err := e.from(r.Header.Get("Last-Event-ID")); err != nil {
		writeProblem(w, problemOf(err))
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.streaming, cancel)()
	_ = e.control.SetReadDeadline(time.Time{}) // nothing more is read; the stream lasts
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	if err := e.write(": aqsha\n\n"); err != nil {
		return
	}
	_ = e.run(ctx)
}

// permit checks topics and rights.
func (e *eventStream) permit(access *Access) error {
	slices.Sort(e.topics)
	e.topics = slices.Compact(e.topics)
	for _, topic := range e.topics {
		switch {
		case topic == topicBlocks:
		case topic != topicWallet && topic != topicApplications:
			return token.Errorf(token.OutOfRange, "topics", "%s is none of blocks, wallet, applications",
				strconv.QuoteToASCII(topic))
		case access == nil:
			return newProblem(http.StatusUnauthorized, codeUnauthorised, "Authorization", needsAccess)
		case topic == topicWallet && access.ofWallet():
			e.wallet = access.wallet
		case topic == topicApplications && access.Role == RoleIntermediary:
			e.bank = access.Intermediary
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
	now := eventID{head.Height, head.Size - 1, e.s.applications.last()}
	e.heard = now
	if last == "" {
		return nil
	}
	heard, ok := parseEventID(last)
	if !ok {
		return token.Errorf(token.OutOfRange, "Last-Event-ID", "want the id of an event")
	}
	if _, follows := e.s.node.FollowState(); !follows && e.s.node.HeadKnown() && (heard.block > now.block ||
		heard.entry > now.entry) {
		return token.Errorf(token.OutOfRange, "Last-Event-ID",
			"it is ahead of this node (%s): is this the same network? Begin again without it", now)
	}
	heard.application = min(heard.application, now.application) // a table that was begun anew counts from the start
	e.heard = heard
	return nil
}

func (e *eventStream) write(text string) error {
	if _, err := e.w.Write([]byte(text)); err != nil {
		return err
	}
	return e.control.Flush()
}

// send writes an event; what was sent goes out with the end of catchUp, together.
func (e *eventStream) send(name string, data any) error {
	body, err := json.Marshal(data)
	if err != nil {
		return err
	}
	return e.sendText(name, body)
}

func (e *eventStream) sendText(name string, body []byte) error {
	_, err := fmt.Fprintf(e.w, "id: %s\nevent: %s\ndata: %s\n\n", e.heard, name, body)
	return err
}

// run sends until the listener, the server or the right to listen ends.
func (e *eventStream) run(ctx context.Context) error {
	for height := e.s.node.Head().Height; ; height = e.s.node.Head().Height {
		e.applications = e.s.applications.changed()
		if err := e.catchUp(ctx); err != nil {
			return err
		}
		if err := e.wait(ctx, height+1); err != nil {
			return err
		}
		select {
		case <-time.After(streamPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// wait returns when there may be news, and says meanwhile that the stream is alive.
func (e *eventStream) wait(ctx context.Context, height uint64) error {
	for {
		waiting, cancel := context.WithTimeout(ctx, heartbeatEvery)
		if slices.Contains(e.topics, topicApplications) {
			go func() {
				select {
				case <-e.applications:
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
			return nil // an application changed, or the disk is full: the next look says which
		}
		if err := e.write(": alive\n\n"); err != nil {
			return err
		}
	}
}

// catchUp sends what has happened since what was heard last.
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
	return e.control.Flush()
}
