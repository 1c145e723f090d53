package admin

import (
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/aqsha/aqsha/pool/answer"
	"github.com/aqsha/aqsha/pool/handover"
)

// handOver answers a successor on the administration's socket and gives the connection to whoever runs the pool.
func (c *Control) handOver(w http.ResponseWriter, r *http.Request) {
	role, _ := r.Context().Value(roleKey{}).(Role)
	if role < RoleOwner || c.Successors == nil {
		answer.Problem(w, http.StatusForbidden, "wrong-role",
			fmt.Sprintf("a pool is handed over to its own user; your role is %s", role))
		return
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		answer.Problem(w, http.StatusInternalServerError, "not-possible", err.Error())
		return
	}
	successor, isUnix := conn.(*net.UnixConn)
	_ = conn.SetDeadline(time.Now().Add(successorPatience))
	_, err = conn.Write([]byte("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " +
		"aqsha-handover\r\n\r\n"))
	var word [1]byte
	if err == nil {
		_, err = conn.Read(word[:])
	}
	if !isUnix || err != nil || word[0] != handover.GoAhead {
		_ = conn.Close()
		return
	}
	_ = conn.SetDeadline(time.Time{})
	select {
	case c.Successors <- successor:
	default: // another is being served
		_ = conn.Close()
	}
}

// successorPatience bounds how long a successor may take to say that it is ready.
const successorPatience = 10 * time.Second
