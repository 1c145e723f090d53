package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"os"
	"strings"
	"time"
)

// maxTalk bounds what a mail server may say in a session, in bytes: net/smtp joins long answers at quadratic cost.
const maxTalk = 64 << 10

// listened is a connection that ends when its other side has said too much.
type listened struct {
	net.Conn
	left int
}

// Read ends with an error when the server has said more than it may.
func (l *listened) Read(into []byte) (int, error) {
	if l.left <= 0 {
		return 0, errors.New("the mail server says too much")
	}
	n, err := l.Conn.Read(into[:min(len(into), l.left)])
	l.left -= n
	return n, err
}

// sendMail gives a message to the mail server (RFC 5321), encrypted unless the server is on this machine.
func (r *Route) sendMail(ctx context.Context, m Message, zone *time.Location) error {
	password, err := r.secret(r.SecretFile)
	if err != nil {
		return err
	}
	trust, err := r.trust()
	if err != nil {
		return err
	}
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", r.Server)
	if err != nil {
		return r.failed(err)
	}
	defer raw.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := raw.SetDeadline(deadline); err != nil {
			return err
		}
	}
	var conn net.Conn = &listened{Conn: raw, left: maxTalk}
	if r.TLS == implicitTLS {
		conn = tls.Client(conn, trust)
	}
	client, err := smtp.NewClient(conn, trust.ServerName)
	if err != nil {
		return r.mailFailed("greeting", err, false)
	}
	defer client.Close()
	if step, err := r.begin(client, trust, password); err != nil {
		return r.mailFailed(step, err, false)
	}
	body, err := client.Data()
	if err != nil {
		return r.mailFailed("DATA", err, false)
	}
	if _, err := body.Write(r.mail(m, zone)); err != nil {
		return r.mailFailed("the mail", err, false)
	}
	if err := body.Close(); err != nil {
		return r.mailFailed("the mail's end", err, true)
	}
	_ = client.Quit() // it is taken already
	return nil
}

// trust is whom the mail server's certificate must be of.
func (r *Route) trust() (*tls.Config, error) {
	host, _, err := net.SplitHostPort(r.Server)
	if err != nil {
		return nil, err
	}
	c := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if r.CAFile == "" {
		return c, nil
	}
	content, err := os.ReadFile(r.CAFile)
	if err != nil {
		return nil, err
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM(content) {
		return nil, r.refuse("ca_file", "%s holds no certificate", r.CAFile)
	}
	return c, nil
}

// begin goes as far as the envelope.
func (r *Route) begin(client *smtp.Client, trust *tls.Config, password string) (step string, err error) {
	if r.TLS == startTLS {
		if offered, _ := client.Extension("STARTTLS"); !offered {
			return "STARTTLS", errors.New("the server does not offer it")
		}
		if err := client.StartTLS(trust); err != nil {
			return "STARTTLS", err
		}
	}
	if r.User != "" {
		if err := client.Auth(smtp.PlainAuth("", r.User, password, trust.ServerName)); err != nil {
			return "the password", err
		}
	}
	if err := client.Mail(bare(r.From)); err != nil {
		return "the sender", err
	}
	for _, to := range r.To {
		if err := client.Rcpt(bare(to)); err != nil {
			return "a receiver", err
		}
	}
	return "", nil
}

// bare is an address without a name; that it is one was checked.
func bare(address string) string {
	if a, err := mail.ParseAddress(address); err == nil {
		return a.Address
	}
	return address
}

// mailFailed tells the step and the code. What the server says beside it may repeat what it was told.
func (r *Route) mailFailed(step string, err error, sent bool) error {
	var said *textproto.Error
	if errors.As(err, &said) {
		return &Failure{Route: r.Name, Reached: true, Reason: fmt.Sprintf("%s was answered by %d", step, said.Code)}
	}
	if errors.Is(err, io.EOF) {
		err = errors.New("the server closed")
	}
	return &Failure{Route: r.Name, Reached: true, Unknown: sent, Reason: fmt.Sprintf("%s: %v", step, err)}
}

// mail is the message as RFC 5322 has it. Nothing in its head comes from machines as it is.
func (r *Route) mail(m Message, zone *time.Location) []byte {
	var b bytes.Buffer
	to := make([]string, len(r.To))
	for i, address := range r.To {
		to[i] = named(address)
	}
	_, domain, _ := strings.Cut(bare(r.From), "@")
	for _, header := range [][2]string{
		{"From", named(r.From)}, {"To", strings.Join(to, ",\r\n ")},
		{"Subject", mime.BEncoding.Encode("utf-8", m.Title(r.Language))},
		{"Date", m.At.In(zone).Format(time.RFC1123Z)},
		{"Message-ID", fmt.Sprintf("<%s.%d.%d@%s>", r.Name, m.Sequence, m.At.UnixNano(), domain)},
		{"MIME-Version", "1.0"}, {"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "quoted-printable"}, {"Auto-Submitted", "auto-generated"},
	} {
		fmt.Fprintf(&b, "%s: %s\r\n", header[0], header[1])
	}
	b.WriteString("\r\n")
	body := quotedprintable.NewWriter(&b)
	_, _ = body.Write([]byte(m.Text(r.Language, zone))) // a buffer takes everything
	_ = body.Close()
	return b.Bytes()
}

func named(address string) string {
	if a, err := mail.ParseAddress(address); err == nil {
		return a.String()
	}
	return address
}
