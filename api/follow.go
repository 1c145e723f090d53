package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// maxNote bounds a signed note that is posted.
const maxNote = 64 << 10

// Members are a leader's followers: each keeps who they are, to ask them all when one of them is to lead.
type Members struct {
	Followers []string `json:"followers" doc:"public keys of the followers whose cosignatures count"`
	Acks      int      `json:"acks" doc:"how many of them must have a payment before it is answered"`
	// URLs are where followers can be asked, by name, as they say themselves.
	URLs map[string]string `json:"urls,omitempty" doc:"where followers can be asked, by name, as they say themselves"`
}

// ID tells one list from another: a follower says beside its cosignatures which one it keeps. It is the first 16 bytes,
// in hexadecimal, of SHA-256 over the number and the sorted keys, a line each: where followers can be asked is no part
// of it.
func (m Members) ID() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d\n%s", m.Acks, strings.Join(slices.Sorted(slices.Values(m.Followers)),
		"\n")))
	return hex.EncodeToString(sum[:16])
}

// SetMembers has the server say that others follow.
func (s *Server) SetMembers(m Members) { s.members.Store(&m) }

// Members asks a node who its followers are.
func (c *Client) Members(ctx context.Context) (Members, error) {
	return get[Members](ctx, c, "/v1/followers")
}

// registerFollow serves what followers need: the log as a stream, and places for cosignatures and fences.
func (s *Server) registerFollow(mux *routes) {
	s.registerFeed(mux)
	huma.Register(s.api, operation("list-followers", "/v1/followers", "Whose cosignatures count, and how many must "+
		"acknowledge", byAnybody),
		func(context.Context, *struct{}) (*answer[Members], error) {
			m := *s.members.Load()
			if m.Followers == nil {
				m.Followers = []string{}
			}
			m.URLs = s.node.FollowerURLs()
			return ok(m, nil)
		})
	huma.Register(s.api, describe(huma.Operation{
		OperationID: "cosign", Method: http.MethodPost, Path: "/v1/cosignatures", DefaultStatus: http.StatusNoContent,
		Summary: "Tell that a checkpoint is verified and durable at a follower",
		Description: "The body is the signed checkpoint with the follower's cosignature (C2SP tlog-cosignature). " +
			"Only followers that this node was told of count.",
		MaxBodyBytes: maxNote, SkipValidateBody: true, RequestBody: noteBody(),
	}, bySignature, http.StatusBadRequest, http.StatusForbidden, http.StatusServiceUnavailable),
		func(_ context.Context, in *struct {
			URL     string `header:"Aqsha-Node" maxLength:"200" pattern:"^https?://[^/?#]+$" doc:"where the follower serves"`
			Members string `header:"Aqsha-Members" maxLength:"64" pattern:"^[0-9a-f]*$" doc:"id of the list of followers that the follower keeps"`
			RawBody []byte
		}) (*struct{}, error) {
			return owned(in.RawBody, func(body []byte) (*struct{}, error) {
				// Whoever calls, it is the note's signature that counts: these three are the only writes of one node
				// at another, and none believes its caller.
				if err := s.node.Cosign(body, node.Cosigner{URL: in.URL, Members: in.Members}); err != nil {
					return nil, problemOf(err)
				}
				return nil, nil
			})
		})
	huma.Register(s.api, describe(huma.Operation{
		OperationID: "fence", Method: http.MethodPost, Path: "/v1/fence", DefaultStatus: http.StatusNoContent,
		Summary:      "Tell that another node has become the leader",
		Description:  "The body is a fence signed by the log's key. A leader of an older epoch stops writing for ever.",
		MaxBodyBytes: maxNote, SkipValidateBody: true, RequestBody: noteBody(),
	}, bySignature, http.StatusBadRequest, http.StatusForbidden, http.StatusServiceUnavailable),
		func(_ context.Context, in *struct{ RawBody []byte }) (*struct{}, error) {
			return owned(in.RawBody, func(body []byte) (*struct{}, error) {
				if err := s.node.Fence(body); err != nil {
					return nil, problemOf(err)
				}
				return nil, nil
			})
		})
	huma.Register(s.api, describe(huma.Operation{
		OperationID: "promise", Method: http.MethodPost, Path: "/v1/promises",
		Responses: text("The node's promise, a signed note"),
		Summary:   "Have a node promise that it acknowledges, or writes, nothing of an older epoch any more",
		Description: "The body is a prepare signed by the log's key. The answer is signed with the node's key and " +
			"says how much it has. It holds for ever. With leading=true only a leader promises that has everything " +
			"which was answered; any other node refuses, and nothing is changed there.",
		MaxBodyBytes: maxNote, SkipValidateBody: true, RequestBody: noteBody(),
	}, bySignature, http.StatusBadRequest, http.StatusForbidden, http.StatusServiceUnavailable),
		func(_ context.Context, in *struct {
			Leading bool `query:"leading" doc:"the candidate can lead only if this node stops as the leader that has everything"`
			RawBody []byte
		}) (*noteAnswer, error) {
			return owned(in.RawBody, func(body []byte) (*noteAnswer, error) {
				signed, err := s.node.Promise(body, in.Leading)
				if err != nil {
					return nil, problemOf(err)
				}
				return &noteAnswer{"text/plain; charset=utf-8", signed}, nil
			})
		})
	s.registerNotes(mux)
}

// registerSigners serves what shows who signs this log.
func (s *Server) registerSigners(mux *routes) {
	shown := operation("get-signers", "/v1/signers", "Who signs the log's checkpoints: a link for each change of "+
		"validators since the genesis, a file in the form that docs/FORMATS.md gives",
		byAnybody, http.StatusServiceUnavailable)
	shown.Responses = map[string]*huma.Response{
		"200": {Description: "A file of links", Content: map[string]*huma.MediaType{"application/cbor": {}}},
		"204": {Description: "Nothing has changed since the genesis"}}
	s.serveRaw(mux, shown, "", func(w http.ResponseWriter, _ *http.Request) {
		links, err := s.node.Links()
		if err != nil {
			writeProblem(w, problemOf(err))
			return
		}
		if links == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Content-Type", "application/cbor")
		_, _ = w.Write(links)
	})
}

// registerNotes serves the notes that a node keeps of its group: nothing (204) where there is none.
func (s *Server) registerNotes(mux *routes) {
	promises := operation("get-prepare", "/v1/promises", "The newest prepare that the node promised (a signed note)",
		byAnybody)
	promises.Responses = noteOrNone()
	s.serveRaw(mux, promises, "", func(w http.ResponseWriter, _ *http.Request) {
		signed, _ := s.node.Prepared()
		writeNote(w, signed)
	})
	fence := operation("get-fence", "/v1/fence", "The newest fence that the node knows of, or that of an epoch (a "+
		"signed note)", byAnybody, http.StatusUnprocessableEntity)
	least := 0.0
	fence.Parameters = []*huma.Param{{Name: "epoch", In: "query",
		Schema: &huma.Schema{Type: huma.TypeInteger, Format: "int64", Minimum: &least}}}
	fence.Responses = noteOrNone()
	s.registerSigners(mux)
	s.serveRaw(mux, fence, "", func(w http.ResponseWriter, r *http.Request) {
		// Served without a sign-in: notes are signed, and prove themselves to whoever reads them.
		signed, _ := s.node.KnownFence()
		if text := r.URL.Query().Get("epoch"); text != "" {
			epoch, err := strconv.ParseUint(text, 10, 63)
			if err != nil {
				writeProblem(w, problemOf(token.Errorf(token.OutOfRange, "epoch", "want the number of an epoch")))
				return
			}
			if signed, err = s.node.FenceOf(epoch); err != nil {
				writeProblem(w, problemOf(err))
				return
			}
		}
		writeNote(w, signed)
	})
}

func noteOrNone() map[string]*huma.Response {
	responses := text("Signed note")
	responses["204"] = &huma.Response{Description: "There is none"}
	return responses
}

// noteAnswer is a signed note as an answer.
type noteAnswer struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

// writeNote answers with a signed note, or with nothing when there is none.
func writeNote(w http.ResponseWriter, signed []byte) {
	if signed == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write(signed)
}

func noteBody() *huma.RequestBody {
	return &huma.RequestBody{Required: true,
		Content: map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: huma.TypeString}}}}
}

// feedFrames asks for every kind of frame: who does not ask for frames of the second kind would not know how to read
// them.
const feedFrames = "2"

// registerFeed serves the log to followers.
func (s *Server) registerFeed(mux *routes) {
	feed := operation("feed", "/v1/feed", "The log's blocks and checkpoints as frames, as they become durable",
		byAuditors, http.StatusUnprocessableEntity)
	feed.Description =
		"The frames are described in docs/FORMATS.md. The stream lasts until the client or the node ends it."
	feed.Responses = octets("Frames")
	least := 0.0
	feed.Parameters = []*huma.Param{
		{Name: "from", In: "query", Required: true, Description: "number of the first entry",
			Schema: &huma.Schema{Type: huma.TypeInteger, Format: "int64", Minimum: &least}},
		{Name: "frames", In: "query", Description: "2 for every kind of frame",
			Schema: &huma.Schema{Type: huma.TypeString, Enum: []any{feedFrames}}},
	}
	s.serveRaw(mux, feed, "", s.feed)
}

// feed streams the log's blocks and checkpoints to those who may read all. A write may take requestTimeout; a reader
// that is slower is left, and begins anew after the last block it has. A problem is answered only before the first
// frame: after it the connection just ends, and the frames' own lengths say whether one is whole.
func (s *Server) feed(w http.ResponseWriter, r *http.Request) {
	if err := mayReadAll(r.Context()); err != nil {
		writeProblem(w, problemOf(err))
		return
	}
	from, err := strconv.ParseUint(r.URL.Query().Get("from"), 10, 63)
	if err != nil {
		writeProblem(w, problemOf(token.Errorf(token.OutOfRange, "from", "want the number of an entry")))
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.streaming, cancel)()
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // nothing more is read; the stream lasts
	started := false
	err = s.node.Feed(ctx, from, r.URL.Query().Get("frames") == feedFrames, func(frames []byte) error {
		if !started {
			w.Header().Set("Content-Type", "application/octet-stream")
			started = true
		}
		_ = control.SetWriteDeadline(time.Now().Add(requestTimeout))
		if _, err := w.Write(frames); err != nil {
			return err
		}
		return control.Flush()
	})
	if err != nil && !started && ctx.Err() == nil {
		writeProblem(w, problemOf(err))
	}
}

// Feed opens the stream of a leader's log. The caller closes it. An error is the node's *Problem, such as not-found
// where no block begins at the entry, or that it was not reached.
func (c *Client) Feed(ctx context.Context, from uint64) (io.ReadCloser, error) {
	response, err := c.send(ctx, http.MethodGet, "/v1/feed?frames="+feedFrames+"&from="+strconv.FormatUint(from, 10),
		"", nil)
	if err != nil {
		return nil, err
	}
	if response.StatusCode == http.StatusOK {
		return response.Body, nil
	}
	defer response.Body.Close()
	_, err = readAnswer(response, "GET /v1/feed")
	return nil, errors.Join(err)
}

// Tile fetches a hash tile. Nothing is verified: a reader of hashes checks them against a signed root.
func (c *Client) Tile(ctx context.Context, t txlog.Tile) ([]byte, error) {
	return c.do(ctx, http.MethodGet, "/"+t.Path(), "", nil)
}

// Fence fetches the fence that a node knows of; nil if none.
func (c *Client) Fence(ctx context.Context) ([]byte, error) {
	signed, err := c.do(ctx, http.MethodGet, "/v1/fence", "", nil)
	if len(signed) == 0 {
		return nil, err
	}
	return signed, err
}

// Signers fetches a file of links to those who sign the node's log; nil if nothing has changed since the genesis.
func (c *Client) Signers(ctx context.Context) ([]byte, error) {
	links, err := c.do(ctx, http.MethodGet, "/v1/signers", "", nil)
	if len(links) == 0 {
		return nil, err
	}
	return links, err
}

// FenceOf fetches the fence of an epoch; nil if the node has not seen it.
func (c *Client) FenceOf(ctx context.Context, epoch uint64) ([]byte, error) {
	signed, err := c.do(ctx, http.MethodGet, "/v1/fence?epoch="+strconv.FormatUint(epoch, 10), "", nil)
	if len(signed) == 0 {
		return nil, err
	}
	return signed, err
}

// SetFence gives a node a fence.
func (c *Client) SetFence(ctx context.Context, signed []byte) error {
	_, err := c.do(ctx, http.MethodPost, "/v1/fence", "text/plain", signed)
	return err
}

// Promise has a node promise what a prepare asks, and returns its promise. With leading only the leader that has
// everything promises.
func (c *Client) Promise(ctx context.Context, prepare []byte, leading bool) ([]byte, error) {
	path := "/v1/promises"
	if leading {
		path += "?leading=true"
	}
	return c.do(ctx, http.MethodPost, path, "text/plain", prepare)
}

// Prepared fetches the newest prepare that a node promised; nil if none.
func (c *Client) Prepared(ctx context.Context) ([]byte, error) {
	signed, err := c.do(ctx, http.MethodGet, "/v1/promises", "", nil)
	if len(signed) == 0 {
		return nil, err
	}
	return signed, err
}

// Cosign gives a leader a checkpoint that a follower has cosigned.
func (c *Client) Cosign(ctx context.Context, signed []byte) error {
	_, err := c.do(ctx, http.MethodPost, "/v1/cosignatures", "text/plain", signed)
	return err
}

// Announce has a follower's client say where the follower itself serves, so that it can be found when its leader is
// lost.
func (c *Client) Announce(url string) { c.own.Store(&url) }

// Keeps has a follower's client say which list of followers is kept where it follows.
func (c *Client) Keeps(m Members) {
	id := m.ID()
	c.keeps.Store(&id)
}

var _ node.Leader = (*Client)(nil)
