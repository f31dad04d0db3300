package enrich_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/simulate/fault"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
)

func denying() map[string]string { return input("list", blacklist, "deny_listed", "true") }

// lockable is a trial with a list and the rows of groups, of which one can be
// given it.
func lockable(t *testing.T) (tr *trial, list string, on incident.Subject) {
	t.Helper()
	tr = newTrial(t, sepm.Options{Groups: []sepm.Group{servers, {ID: strings.Repeat("7", 32), Name: `My Company\Below`, Inherits: true}}})
	list = tr.AddList(sepm.List{Name: blacklist, Hashes: md5s(md5A)})
	tr.must("get_groups_information", anIncident, nil)
	return tr, list, tr.onRow(incident.TableGroups, "group_id", servers.ID)
}

// fn_sep takes SEPM's empty answer for no result.
func TestPartC07AssignedListIsASuccess(t *testing.T) {
	t.Parallel()
	for _, release := range []sepm.Release{sepm.V142, sepm.V143} {
		tr := newTrial(t, sepm.Options{Release: release, Groups: []sepm.Group{servers}})
		id := tr.AddList(sepm.List{Name: blacklist, Hashes: md5s(md5A)})
		tr.must("get_groups_information", anIncident, nil)
		on := tr.onRow(incident.TableGroups, "group_id", servers.ID)
		tr.must("assign_blacklist_to_lockdown_group", on, denying())
		require.Equal(t, []string{servers.ID}, tr.list(blacklist).Groups)
		require.Equal(t, servers.ID, tr.row(incident.TableFingerprints, "list_id", id).Cells["group_ids"].String())
		require.Contains(t, tr.note(), `was assigned to the system lockdown of the group <b>My Company\&lt;Servers&gt;</b>`)

		tr.must("assign_blacklist_to_lockdown_group", on, denying())
		require.Contains(t, tr.note(), "already")
		require.Len(t, tr.calls, 1)
	}
}

// fn_sep has no way back: it says how, and deleting the list is one.
func TestPartC31AssignmentCanBeUndone(t *testing.T) {
	t.Parallel()
	tr, list, on := lockable(t)
	tr.must("assign_blacklist_to_lockdown_group", on, denying())
	require.Contains(t, tr.note(), "To undo it, take the list out in SEPM's console")
	tr.must("delete_blacklist", tr.onRow(incident.TableFingerprints, "list_id", list), input("confirm", "true"))
	require.Empty(t, tr.Lists())
}

// In a lockdown that allows what is listed, a blacklist would let just that run.
func TestAssignmentNeedsTheTick(t *testing.T) {
	t.Parallel()
	tr, _, on := lockable(t)
	before := tr.Requests()
	require.ErrorContains(t, tr.run("assign_blacklist_to_lockdown_group", on, theList()), "deny_listed is missing")
	require.Contains(t, tr.refused("assign_blacklist_to_lockdown_group", on, input("list", blacklist, "deny_listed", "false")), "would let the blacklist run")
	require.Equal(t, before, tr.Requests())
}

func TestGroupThatInheritsIsNotOffered(t *testing.T) {
	t.Parallel()
	tr, _, _ := lockable(t)
	require.ErrorContains(t, tr.run("assign_blacklist_to_lockdown_group", tr.onRow(incident.TableGroups, "group_name", "Below"), denying()),
		`policyInheritanceEnabled is "false", and there is "true"`)
	require.Empty(t, tr.calls)

	stale := tr.onRow(incident.TableGroups, "group_name", "Below")
	stale.Row.Cells["policyInheritanceEnabled"] = incident.Bool(false)
	require.Contains(t, tr.refused("assign_blacklist_to_lockdown_group", stale, denying()), "inherits its policies by now")
	require.Empty(t, tr.calls)
}

func TestRefusedAssignment(t *testing.T) {
	t.Parallel()
	other := sepm.Domain{ID: strings.Repeat("D", 32), Name: "Acme"}
	for _, tt := range []struct {
		name      string
		meanwhile func(tr *trial, list string)
		why       string
	}{
		{"400", func(tr *trial, list string) { tr.ChangeList(list, func(l *sepm.List) { l.Domain = other }) }, "one of another domain"},
		{"409", nil, "the group's settings forbid it"},
		{"410", nil, "no such group any more"},
		{"422", func(tr *trial, _ string) { tr.SetLockdown(servers.ID, sepm.LockdownOff) }, "system lockdown is off for the group; switch it on"},
		{"the list is deleted", func(tr *trial, list string) { tr.DeleteList(list) }, "was deleted meanwhile"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tr := newTrial(t, sepm.Options{Groups: []sepm.Group{servers}, DeleteLag: -1})
			list := tr.AddList(sepm.List{Name: blacklist, Hashes: md5s(md5A)})
			tr.must("get_groups_information", anIncident, nil)
			on := tr.onRow(incident.TableGroups, "group_id", servers.ID)
			tr.beforeSend = func(incident.Call) {
				switch {
				case tt.meanwhile != nil:
					tt.meanwhile(tr, list)
				default:
					code := map[string]int{"409": 409, "410": 410}[tt.name]
					tr.faults.On(fault.Switch{Kind: fault.Status, Method: "PUT", Code: code, FromServer: true, Remaining: 1})
				}
			}
			require.Contains(t, tr.refused("assign_blacklist_to_lockdown_group", on, denying()), tt.why)
			require.Len(t, tr.calls, 1)
		})
	}
}

// 422 says two things, and one of them is what was wanted.
func TestAssignedBySomebodyElseMeanwhile(t *testing.T) {
	t.Parallel()
	tr, list, on := lockable(t)
	tr.beforeSend = func(incident.Call) { tr.ChangeList(list, func(l *sepm.List) { l.Groups = []string{servers.ID} }) }
	tr.must("assign_blacklist_to_lockdown_group", on, denying())
	require.Contains(t, tr.note(), "already")
}

func TestLostAnswerOfAnAssignment(t *testing.T) {
	t.Parallel()
	tr, _, on := lockable(t)
	tr.faults.On(fault.Switch{Kind: fault.LostReply, Method: "PUT", Remaining: 1})
	tr.must("assign_blacklist_to_lockdown_group", on, denying())
	require.Equal(t, []string{servers.ID}, tr.list(blacklist).Groups)
	require.Contains(t, tr.note(), "was assigned")
}

func TestAssignmentOfWhatIsNotThere(t *testing.T) {
	t.Parallel()
	tr, _, on := lockable(t)
	require.Contains(t, tr.refused("assign_blacklist_to_lockdown_group", on, input("list", "None", "deny_listed", "true")), `no fingerprint list "None"`)
	on.Row.Cells["group_id"] = incident.Text(strings.Repeat("0", 32))
	require.Contains(t, tr.refused("assign_blacklist_to_lockdown_group", on, denying()), "any more")
	require.Empty(t, tr.calls)
}
