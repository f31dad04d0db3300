package sepclient_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/fault"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/sepclient"
)

// calls are all of the client's, each about something that SEPM does not have
// where it is about one thing.
var calls = map[string]func(context.Context, *sepclient.Client) error{
	"AcknowledgeEvent": func(ctx context.Context, c *sepclient.Client) error { return c.AcknowledgeEvent(ctx, id("0")) },
	"ActiveScan":       sends((*sepclient.Client).ActiveScan),
	"AssignLockdown":   func(ctx context.Context, c *sepclient.Client) error { return c.AssignLockdown(ctx, id("0"), id("0")) },
	"CancelCommand": func(ctx context.Context, c *sepclient.Client) error {
		_, err := c.CancelCommand(ctx, id("0"))
		return err
	},
	"CommandStatus": func(ctx context.Context, c *sepclient.Client) error {
		_, err := collect(c.CommandStatus(ctx, id("0")))
		return err
	},
	"ComputerPages": func(ctx context.Context, c *sepclient.Client) error {
		_, err := collect(c.ComputerPages(ctx, sepclient.ComputerQuery{}, 1, nil))
		return err
	},
	"Computers": func(ctx context.Context, c *sepclient.Client) error {
		_, err := collect(c.Computers(ctx, sepclient.ComputerQuery{}))
		return err
	},
	"CreateFingerprintList": func(ctx context.Context, c *sepclient.Client) error {
		_, err := c.CreateFingerprintList(ctx, sepclient.FingerprintList{Name: "new", Files: []sepclient.ListedFile{{MD5: md5Of("a")}}})
		return err
	},
	"CriticalEvents": func(ctx context.Context, c *sepclient.Client) error {
		_, err := c.CriticalEvents(ctx, true)
		return err
	},
	"CurrentUser":           func(ctx context.Context, c *sepclient.Client) error { _, err := c.CurrentUser(ctx); return err },
	"DeleteFingerprintList": func(ctx context.Context, c *sepclient.Client) error { return c.DeleteFingerprintList(ctx, id("0")) },
	"Domains":               func(ctx context.Context, c *sepclient.Client) error { _, err := c.Domains(ctx); return err },
	"EditFingerprintList": func(ctx context.Context, c *sepclient.Client) error {
		_, err := c.EditFingerprintList(ctx, id("0"), "", sepclient.ListEdit{Add: []string{md5Of("a")}})
		return err
	},
	"ExceptionsPolicy": func(ctx context.Context, c *sepclient.Client) error {
		_, err := c.ExceptionsPolicy(ctx, id("0"))
		return err
	},
	"FileContent": func(ctx context.Context, c *sepclient.Client) error {
		_, err := c.FileContent(ctx, id("0"), sepclient.FileOptions{})
		return err
	},
	"FileDetails": func(ctx context.Context, c *sepclient.Client) error {
		_, err := c.FileDetails(ctx, id("0"))
		return err
	},
	"FingerprintList": func(ctx context.Context, c *sepclient.Client) error {
		_, err := c.FingerprintList(ctx, id("0"))
		return err
	},
	"FingerprintListByName": func(ctx context.Context, c *sepclient.Client) error {
		_, err := c.FingerprintListByName(ctx, "none", "")
		return err
	},
	"FirewallPolicy": func(ctx context.Context, c *sepclient.Client) error {
		_, err := c.FirewallPolicy(ctx, id("0"))
		return err
	},
	"FullScan": sends((*sepclient.Client).FullScan),
	"Group": func(ctx context.Context, c *sepclient.Client) error {
		_, err := c.Group(ctx, id("0"), "")
		return err
	},
	"Groups": func(ctx context.Context, c *sepclient.Client) error {
		_, err := collect(c.Groups(ctx, sepclient.GroupQuery{}))
		return err
	},
	"MoveComputers": func(ctx context.Context, c *sepclient.Client) error {
		moved, err := c.MoveComputers(ctx, sepclient.Move{HardwareKey: id("0"), GroupID: id("0")})
		if err == nil {
			err = moved[0].Err
		}
		return err
	},
	"OnlineStatus": func(ctx context.Context, c *sepclient.Client) error { _, err := c.OnlineStatus(ctx); return err },
	"Policies": func(ctx context.Context, c *sepclient.Client) error {
		_, err := c.Policies(ctx, sepclient.PolicyQuery{Type: "msl"})
		return err
	},
	"Probe":      func(ctx context.Context, c *sepclient.Client) error { _, err := c.Probe(ctx); return err },
	"Quarantine": sends((*sepclient.Client).Quarantine),
	"ReplaceFingerprintList": func(ctx context.Context, c *sepclient.Client) error {
		return c.ReplaceFingerprintList(ctx, sepclient.FingerprintList{ID: id("0"), Name: "none", Files: []sepclient.ListedFile{{MD5: md5Of("a")}}})
	},
	"RequestedFile": func(ctx context.Context, c *sepclient.Client) error {
		_, err := c.RequestedFile(ctx, sepclient.FileHash{Kind: sepclient.SHA256, Value: sha256Of("none")}, sepclient.FileOptions{})
		return err
	},
	"Scan": sends(func(c *sepclient.Client, ctx context.Context, to sepclient.Targets) (sepclient.Sent, error) {
		return c.Scan(ctx, to, sepclient.Scan{Evidence: []sepclient.Evidence{{Name: "a.exe"}}})
	}),
	"UndoQuarantine": sends((*sepclient.Client).UndoQuarantine),
	"UpdateContent":  sends((*sepclient.Client).UpdateContent),
	"UploadFile": sends(func(c *sepclient.Client, ctx context.Context, to sepclient.Targets) (sepclient.Sent, error) {
		return c.UploadFile(ctx, to.Computers, sepclient.WantedFile{Path: `C:\a.exe`, Hash: sepclient.FileHash{Kind: sepclient.MD5, Value: md5Of("a")}})
	}),
	"Version": func(ctx context.Context, c *sepclient.Client) error { _, err := c.Version(ctx); return err },
}

func sends(send func(*sepclient.Client, context.Context, sepclient.Targets) (sepclient.Sent, error)) func(context.Context, *sepclient.Client) error {
	return func(ctx context.Context, c *sepclient.Client) error {
		_, err := send(c, ctx, sepclient.Targets{Computers: []string{id("0")}})
		return err
	}
}

// TestStandInMeetsEveryCall: a call that the client gets is one that the tests
// here make. Close ends what all of them begin, and In sends nothing.
func TestStandInMeetsEveryCall(t *testing.T) {
	t.Parallel()
	var exported []string
	for m := range reflect.TypeFor[*sepclient.Client]().Methods() {
		if m.Name != "Close" && m.Name != "In" {
			exported = append(exported, m.Name)
		}
	}
	require.ElementsMatch(t, exported, slices.Collect(maps.Keys(calls)))
}

// What SEPM does not have, or does not take, is never a success, whatever an
// error looks like. What it may leave out of an answer is no error either.
func TestStandInHasNothing(t *testing.T) {
	t.Parallel()
	refused := map[string]sepclient.Class{
		"AcknowledgeEvent": sepclient.Permanent, "Policies": sepclient.Permanent,
		"AssignLockdown": sepclient.NotFound, "CancelCommand": sepclient.NotFound, "DeleteFingerprintList": sepclient.NotFound,
		"EditFingerprintList": sepclient.NotFound, "ExceptionsPolicy": sepclient.NotFound, "FileContent": sepclient.NotFound,
		"FileDetails": sepclient.NotFound, "FingerprintList": sepclient.NotFound, "FingerprintListByName": sepclient.NotFound,
		"FirewallPolicy": sepclient.NotFound, "Group": sepclient.NotFound, "MoveComputers": sepclient.NotFound,
		"ReplaceFingerprintList": sepclient.NotFound, "RequestedFile": sepclient.NotFound,
	}
	commands := []string{"ActiveScan", "FullScan", "Quarantine", "UndoQuarantine", "UpdateContent", "Scan", "UploadFile"}
	inEach(t, map[string]variant{
		"html errors":         func(o *sepm.Options) { o.HTMLErrors = true },
		"unknown target 404":  func(o *sepm.Options) { o.UnknownTarget404 = true },
		"unknown command 404": func(o *sepm.Options) { o.UnknownCommand = sepm.Unknown404 },
		"unknown command 410": func(o *sepm.Options) { o.UnknownCommand = sepm.Unknown410 },
		"no v2":               func(o *sepm.Options) { o.NoV2 = true },
		"close after post":    func(o *sepm.Options) { o.CloseAfterPost = true },
	}, func(t *testing.T, o sepm.Options) {
		b := standIn(t, o)
		for name, call := range calls {
			want := refused[name]
			if slices.Contains(commands, name) && o.UnknownTarget404 || name == "CommandStatus" && o.UnknownCommand != sepm.UnknownEmpty {
				want = sepclient.NotFound
			}
			err := call(t.Context(), b.client)
			require.Equal(t, want, classOf(err), "%s: %v", name, err)
			require.Equal(t, want == sepclient.NotFound, errors.Is(err, sepclient.ErrNotFound), "%s: %v", name, err)
			if err != nil && o.HTMLErrors && name != "MoveComputers" { // whose errors are in a list
				require.Contains(t, err.Error(), "HTTP Status 4", name)
				require.NotContains(t, err.Error(), "<", name)
			}
		}
		for _, c := range b.sepm.Commands() {
			require.Empty(t, c.Targets)
		}
		require.Equal(t, 1, b.sepm.Logins())
	})
}

// An account without rights is told so by every call that asks for them, and
// does not log in for each.
func TestStandInWithoutRights(t *testing.T) {
	t.Parallel()
	free := []string{"CurrentUser", "Domains", "OnlineStatus", "Version"} // A1
	inEach(t, map[string]variant{
		"empty body":  func(o *sepm.Options) { o.AuthError = sepm.EmptyBody },
		"html errors": func(o *sepm.Options) { o.HTMLErrors = true },
	}, func(t *testing.T, o sepm.Options) {
		o.NoRights = true
		b := standIn(t, o)
		for name, call := range calls {
			if name == "RequestedFile" && o.Release == sepm.V142 {
				continue // which has no such call
			}
			err := call(t.Context(), b.client)
			if slices.Contains(free, name) {
				require.NoError(t, err, name)
				continue
			}
			require.ErrorIs(t, err, sepclient.ErrUnauthorized, name)
			require.False(t, sepclient.LoginRefused(err), name)
		}
		require.LessOrEqual(t, b.sepm.Logins(), 2, "the clock stands still")
		require.Empty(t, b.sepm.Commands())
		require.Empty(t, b.sepm.Lists())
		user, err := b.client.CurrentUser(t.Context())
		require.NoError(t, err)
		require.Equal(t, sepclient.LimitedAdministrator, user.Role.Kind)
		require.Equal(t, &sepclient.Rights{}, user.Rights)
		_, err = b.client.Probe(t.Context())
		require.ErrorContains(t, err, "limited administrator")
	})
}

// A token that SEPM does not know any more is replaced, in every call.
func TestStandInForgetsTokens(t *testing.T) {
	t.Parallel()
	inEach(t, map[string]variant{
		"common body": func(o *sepm.Options) { o.AuthError = sepm.CommonBody },
		"empty body":  func(o *sepm.Options) { o.AuthError = sepm.EmptyBody },
		"html errors": func(o *sepm.Options) { o.HTMLErrors = true },
	}, func(t *testing.T, o sepm.Options) {
		b := standIn(t, o)
		_, err := b.client.Domains(t.Context())
		require.NoError(t, err)
		for name, call := range calls {
			if name == "Version" || name == "Probe" || name == "RequestedFile" && o.Release == sepm.V142 {
				continue // no token, always a new one, and no such call
			}
			b.sepm.ExpireTokens()
			before := b.sepm.Logins()
			err := call(t.Context(), b.client)
			require.NotErrorIs(t, err, sepclient.ErrUnauthorized, name)
			require.Equal(t, before+1, b.sepm.Logins(), name)
		}
		require.Equal(t, 1, b.sepm.Sessions())
	})
}

// A reset of the connection costs a read nothing but another connection, and
// leaves a write in doubt.
func TestStandInResets(t *testing.T) {
	t.Parallel()
	inEach(t, nil, func(t *testing.T, o sepm.Options) {
		o.Computers = sepm.Fleet(1, 3)
		o.Groups = []sepm.Group{{ID: id("E"), Name: `My Company\Elsewhere`}}
		for _, kind := range []fault.Kind{fault.Reset, fault.LostReply} {
			b := standIn(t, o)
			computers := b.sepm.Computers()
			_, err := b.client.Domains(t.Context()) // a kept-alive connection
			require.NoError(t, err)
			b.faults.On(fault.Switch{Kind: kind, Method: http.MethodGet, Remaining: 1})
			got, err := collect(b.client.Computers(t.Context(), sepclient.ComputerQuery{}))
			require.NoError(t, err)
			require.Len(t, got, len(computers))
			require.Equal(t, 1, b.faults.Counts()[kind])

			to := sepclient.Targets{Computers: []string{computers[0].ID}}
			b.faults.On(fault.Switch{Kind: kind, Path: "command-queue/quarantine"})
			sent, err := b.client.Quarantine(t.Context(), to)
			requireClass(t, sepclient.Ambiguous, err)
			require.Empty(t, sent.IDs())
			require.Len(t, b.sepm.Commands(), map[fault.Kind]int{fault.LostReply: 1}[kind], "sent once")
			b.faults.On(fault.Switch{Kind: kind, Method: http.MethodPatch})
			_, err = b.client.MoveComputers(t.Context(), sepclient.Move{HardwareKey: computers[0].HardwareKey, GroupID: id("E")})
			requireClass(t, sepclient.Ambiguous, err)
			moved, _ := b.sepm.Computer(computers[0].ID)
			require.Equal(t, kind == fault.LostReply, moved.Group.ID == id("E"))
		}
	})
}

// patient is a budget that waits SEPM's throttle out, by the clock.
type patient struct {
	clock *clock
	waits int
}

func (*patient) Take(context.Context, sepclient.Lane) error { return nil }
func (p *patient) Refused(context.Context) error {
	p.clock.advance(time.Minute)
	p.waits++
	return nil
}

func TestStandInThrottles(t *testing.T) {
	t.Parallel()
	inEach(t, map[string]variant{"html errors": func(o *sepm.Options) { o.HTMLErrors = true }}, func(t *testing.T, o sepm.Options) {
		o.Computers, o.Throttle = sepm.Fleet(1, 45), 10
		small := func(so *sepclient.Options) { so.PageSize = 1 }
		b := standIn(t, o, small)
		got, err := collect(b.client.Computers(t.Context(), sepclient.ComputerQuery{}))
		require.ErrorIs(t, err, sepclient.ErrThrottled)
		require.Len(t, got, 9, "beside the login")
		for name, call := range calls {
			require.ErrorIs(t, call(t.Context(), b.client), sepclient.ErrThrottled, name)
		}

		waiting := &patient{}
		b = standIn(t, o, small, func(so *sepclient.Options) { so.Budget = waiting })
		waiting.clock = b.clock
		got, err = collect(b.client.In(sepclient.Urgent).Computers(t.Context(), sepclient.ComputerQuery{}))
		require.NoError(t, err)
		require.Equal(t, names(b.sepm.Computers()), sorted(mapped(got, func(c sepclient.Computer) string { return c.Name })))
		require.Equal(t, 46+waiting.waits, b.sepm.Requests())
		require.Equal(t, 4, waiting.waits)
		require.Equal(t, 1, b.sepm.Logins())
	})
}

// No line of a request is longer than Tomcat takes.
func TestStandInTakesNoLongLine(t *testing.T) {
	t.Parallel()
	inEach(t, nil, func(t *testing.T, o sepm.Options) {
		o.Computers = sepm.Fleet(1, 700)
		b := standIn(t, o)
		want := mapped(b.sepm.Computers(), func(c sepm.Computer) string { return c.ID })
		to := sepclient.Targets{Computers: append(slices.Clone(want), want[:10]...)} // some twice
		path := `C:\Users\Zoë\` + strings.Repeat("ü & ", 200) + "a.exe"
		for name, send := range map[string]func() (sepclient.Sent, error){
			"quarantine": func() (sepclient.Sent, error) { return b.client.Quarantine(t.Context(), to) },
			"eoc": func() (sepclient.Sent, error) {
				return b.client.Scan(t.Context(), to, sepclient.Scan{Evidence: []sepclient.Evidence{{Name: path}}})
			},
			"files": func() (sepclient.Sent, error) {
				return b.client.UploadFile(t.Context(), to.Computers, sepclient.WantedFile{Path: path, Hash: sepclient.FileHash{Kind: sepclient.MD5, Value: md5Of("a")}})
			},
		} {
			sent, err := send()
			require.NoError(t, err, name)
			var got, ids []string
			for _, c := range b.sepm.Commands() {
				if c.Kind == name {
					require.Equal(t, "computer", c.By)
					ids = append(ids, c.ID)
					got = append(got, mapped(c.Targets, func(target sepm.Target) string { return target.ComputerID })...)
				}
			}
			require.ElementsMatch(t, want, got, name)
			require.Equal(t, ids, sent.IDs(), name)
			require.Greater(t, len(ids), 2, name)
		}
		_, err := b.client.Group(t.Context(), strings.Repeat("G", 7200), "")
		requireClass(t, sepclient.Permanent, err)
		require.NotContains(t, b.sepm.Calls(), "too long")
		require.NotContains(t, b.sepm.Calls(), "double slash")
	})
}
