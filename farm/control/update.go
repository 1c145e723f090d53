package control

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/protocol"
)

const (
	maxImage      = 256 << 20 // bytes of a firmware
	uploadTimeout = 10 * time.Minute
	healthEvery   = 30 * time.Second
)

// Firmware is what an update brings, and how carefully.
type Firmware struct {
	File     string        `json:"file"`
	SHA256   string        `json:"sha256"`  // of the file, hexadecimal
	Version  string        `json:"version"` // that machines must tell afterwards, or a part of it
	Canaries int           `json:"canaries"`
	Healthy  time.Duration `json:"healthy_ns"` // for which canaries must be healthy before the rest follows
}

// validate says what is wrong with what the order says of the file, without reading it.
func (f *Firmware) validate() error {
	switch {
	case f == nil || f.File == "":
		return farm.Refuse("farm-bad-order", "file", "an update wants a file")
	case len(f.SHA256) != 2*sha256.Size || strings.Trim(f.SHA256, "0123456789abcdef") != "":
		return farm.Refuse("farm-bad-order", "sha256", "want the file's SHA-256, 64 hexadecimal digits, got %q",
			f.SHA256)
	case strings.TrimSpace(f.Version) == "" || len(f.Version) > 100:
		return farm.Refuse("farm-bad-order", "version",
			"want the version that machines must tell afterwards, or a part of it")
	case f.Canaries < 1:
		return farm.Refuse("farm-bad-order", "canaries", "want at least one canary, got %d", f.Canaries)
	case f.Healthy < 0 || f.Healthy > 7*24*time.Hour:
		return farm.Refuse("farm-bad-order", "healthy", "want at most a week, got %v", f.Healthy)
	}
	return nil
}

// read returns the file, which must be what the order says. It is read once for all machines, so that a file that
// changes meanwhile changes none of them.
func (f *Firmware) read() ([]byte, error) {
	file, err := os.Open(f.File)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxImage+1))
	if err != nil {
		return nil, err
	}
	if len(content) == 0 || len(content) > maxImage {
		return nil, farm.Refuse("farm-bad-order", "file", "want 1 byte to %d MiB", maxImage>>20)
	}
	if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != f.SHA256 {
		return nil, farm.Refuse("farm-checksum", "sha256", "%s has %x, the order says %s", f.File, sum, f.SHA256)
	}
	return content, nil
}

// update brings a firmware to canaries, watches them, and then to the rest. able are the machines that take it.
// Canaries are the first of the machines as they were named. Every machine has a result, whichever step ended it.
func (c *Controller) update(ctx context.Context, able []*fleet.Machine, order Order) ([]Result, error) {
	image, err := order.Firmware.read()
	if err != nil {
		return nil, err
	}
	order.image = image
	count := min(order.Firmware.Canaries, len(able))
	canaries, rest := able[:count], able[count:]
	before := make([]*protocol.Reading, count)
	for i, m := range canaries {
		// Healthy before, or its illness afterwards would say nothing of the firmware.
		if before[i], err = c.poll(ctx, m); err != nil {
			return halted(nil, able, canary("canary-silent", m, failure(err))), nil
		}
		if ill := Illness(before[i], before[i], true); !ill.IsZero() {
			return halted(nil, able, canary("canary-ill", m, of(ill))), nil
		}
	}
	results, stopped, err := c.batches(ctx, canaries, order, 0)
	if err != nil || !stopped.none() {
		return halted(results, able, stopped), err
	}
	if len(rest) == 0 {
		return results, nil
	}
	// The rest gets the image only after the canaries have hashed with it for as long as was ordered: an image that
	// is taken and boots may still be a bad one.
	if ill := c.watch(ctx, canaries, before, order.Firmware.Healthy); !ill.none() {
		return halted(results, able, ill), ctx.Err()
	}
	more, stopped, err := c.batches(ctx, rest, order, results[len(results)-1].Batch)
	results = append(results, more...)
	if !stopped.none() {
		return halted(results, able, stopped), err
	}
	return results, err
}

// canary is what is wrong with a canary.
func canary(code string, m *fleet.Machine, why remark) remark {
	return saw(code, "machine", m.ID).because(why)
}

// halted adds those that were not come to, with why.
func halted(results []Result, machines []*fleet.Machine, why remark) []Result {
	why = saw("not-ordered").because(why)
	for _, m := range machines {
		if !slices.ContainsFunc(results, func(r Result) bool { return r.Machine == m.ID }) {
			results = append(results, Result{Machine: m.ID, Place: m.Place.String(), Outcome: why.text,
				Finding: why.found, Halted: true})
		}
	}
	return results
}

// poll asks a machine once, in a poll's own time.
func (c *Controller) poll(ctx context.Context, m *fleet.Machine) (*protocol.Reading, error) {
	ctx, stop := context.WithTimeout(ctx, fleet.DefaultTimeout)
	defer stop()
	return fleet.Poll(ctx, m)
}

// watch polls canaries for a time and says what is wrong with one, if anything is. In its second half they must be as
// before.
func (c *Controller) watch(ctx context.Context, canaries []*fleet.Machine, before []*protocol.Reading,
	span time.Duration) remark {
	every := c.HealthEvery
	if every == 0 {
		every = healthEvery
	}
	begun := time.Now()
	for {
		passed := time.Since(begun)
		for i, m := range canaries {
			now, err := c.poll(ctx, m)
			if err != nil {
				if now, err = c.poll(ctx, m); err != nil { // one answer may be lost
					return canary("canary-silent", m, failure(err))
				}
			}
			if ill := Illness(before[i], now, passed >= span/2); !ill.IsZero() {
				return canary("canary-ill", m, of(ill))
			}
		}
		if passed >= span {
			return remark{}
		}
		select {
		case <-ctx.Done():
			return saw("canary-left")
		case <-time.After(min(every, span-passed+time.Millisecond)):
		}
	}
}

// it has had time to warm up, a rate below nine tenths. Errors that were there before are not held against it.
// Illness is what is worse with a machine than before, if anything is: fewer boards, new error codes, and, when
// it has had time to warm up, a rate below nine tenths.
func Illness(before, now *protocol.Reading, warm bool) farm.Finding {
	for _, code := range now.Errors {
		if !slices.Contains(before.Errors, code) {
			return farm.Found("new-error", "code", code)
		}
	}
	if !warm {
		return farm.Finding{}
	}
	switch had, has := before.LiveBoards(), now.LiveBoards(); {
	case has < had:
		return farm.Found("fewer-boards", "work", max(has, 0), "had", had)
	case now.Sleeping || now.RateMHs <= 0:
		return farm.Found("no-work")
	case before.RateMHs > 0 && now.RateMHs < before.RateMHs/10*9:
		return farm.Found("slower", "now", now.RateMHs, "before", before.RateMHs)
	}
	return farm.Finding{}
}

// updated says whether a machine tells the new version after a start. Of a machine whose running time was not known,
// the version alone decides.
func updated(reading *protocol.Reading, o Order, before int64) (bool, remark) {
	started := before == protocol.Unknown ||
		reading.ElapsedSeconds != protocol.Unknown && reading.ElapsedSeconds < before
	return started && strings.Contains(reading.Firmware, o.Firmware.Version),
		saw("runs-version", "version", reading.Firmware, "seconds", reading.ElapsedSeconds)
}

// upload is a multipart form of fields and one file.
func upload(name, filename string, image []byte, fields map[string]string) (contentType, body string, err error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for field, value := range fields {
		err = errors.Join(err, w.WriteField(field, value))
	}
	part, failed := w.CreateFormFile(name, filename)
	if err = errors.Join(err, failed); err == nil {
		_, err = part.Write(image)
	}
	err = errors.Join(err, w.Close()) // which writes the last boundary
	return w.FormDataContentType(), b.String(), err
}

// giveImage sends the image as the page's form does.
func (a *antminer) giveImage(ctx context.Context, o Order) error {
	kind, body, err := upload("firmware", "firmware.bmu", o.image, nil)
	if err != nil {
		return err
	}
	client := fleet.Upload(a.m, fleet.Digest{User: a.http.User, Password: a.http.Password, ContentType: kind,
		Probe: a.base + "get_system_info.cgi"})
	reply, err := client.Do(ctx, http.MethodPost, a.base+"upgrade.cgi", body)
	if err != nil {
		return err
	}
	if v, err := protocol.Parse(reply); err == nil && v.Get("stats").OK() && v.Get("stats").Text() != "success" {
		return farm.Refuse("refused", "upgrade", "the machine says: %q", v.Get("msg").Text())
	}
	return nil
}

// epicImage sends the image with its checksum; settings are kept.
func epicImage(ctx context.Context, w *web, o Order) error {
	kind, body, err := upload("update.zip", "update.zip", o.image, map[string]string{"password": w.password,
		"checksum": o.Firmware.SHA256, "keepsettings": "true"})
	if err != nil {
		return err
	}
	reply, err := fleet.Upload(w.m, fleet.Digest{ContentType: kind}).Do(ctx, http.MethodPost,
		w.base+"/systemupdate", body)
	if err != nil {
		return err
	}
	if v, err := protocol.Parse(reply); err == nil && v.Get("result").Text() == "false" {
		return farm.Refuse("refused", "systemupdate", "the machine says: %q", v.Get("error").Text())
	}
	return nil
}

// axeImage sends the image as it is.
func axeImage(ctx context.Context, w *web, o Order) error {
	client := fleet.Upload(w.m, fleet.Digest{ContentType: "application/octet-stream"})
	_, err := client.Do(ctx, http.MethodPost, w.base+"/api/system/OTA", string(o.image))
	return err
}
