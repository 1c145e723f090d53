package admin

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/pool"
)

// forbidden says whether the administration refuses an action to a role.
func forbidden(action string, role Role) bool {
	c := &Control{Pool: &pool.Pool{}}
	request := httptest.NewRequest(http.MethodPost, "/"+action, strings.NewReader("not JSON"))
	answer := httptest.NewRecorder()
	c.handler().ServeHTTP(answer, request.WithContext(context.WithValue(context.Background(), roleKey{}, role)))
	return answer.Code == http.StatusForbidden
}

// Each action has the least role that may do it.
func TestRoles(t *testing.T) {
	for action, needs := range map[string]Role{"sessions": RoleViewer, "bans": RoleViewer, "status": RoleViewer, "kick": RoleSupport, "message": RoleSupport,
		"reconnect": RoleSupport, "ban": RoleAdmin, "exempt": RoleAdmin, "payouts": RoleAdmin, "override": RoleAdmin, "recover": RoleAdmin, "fee": RoleAdmin, "drain": RoleAdmin} {
		for _, role := range []Role{RoleNone, RoleViewer, RoleSupport, RoleAdmin} {
			if got, want := forbidden(action, role), role < needs; got != want {
				t.Errorf("%s as %s: forbidden %v", action, role, got)
			}
		}
	}
	for _, bad := range []string{"", "none", "root"} {
		if _, err := ParseRole(bad); err == nil {
			t.Errorf("role %q passes", bad)
		}
	}
}
