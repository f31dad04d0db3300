package enrich_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/simulate/fault"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/sepclient"
)

var md5C = strings.Repeat("C3", 16)

const blacklist = "Blacklist"

// servers is a group that can be given a list.
var servers = sepm.Group{ID: strings.Repeat("9", 32), Name: `My Company\<Servers>`}

func theList() map[string]string { return input("list", blacklist) }

func md5s(hashes ...string) (all []sepm.Hashes) {
	for _, h := range hashes {
		all = append(all, sepm.Hashes{MD5: h})
	}
	return all
}

func TestBlacklistInformation(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		release sepm.Release
		hashes  []sepm.Hashes
		cell    string
		note    string
	}{
		{"v1 on 14.2", sepm.V142, md5s(md5A, md5B), md5A + ", " + md5B, "2 files (2 MD5, 0 SHA-256)"},
		{"v1 on 14.3", sepm.V143, md5s(md5A), md5A, "1 file (1 MD5, 0 SHA-256)"},
		{"v2", sepm.V143, []sepm.Hashes{{MD5: md5A, SHA256: sha256A}, {SHA256: sha256B}}, md5A + " " + sha256A + ", " + sha256B, "2 files (1 MD5, 2 SHA-256)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tr := newTrial(t, sepm.Options{Release: tt.release, Groups: []sepm.Group{servers}})
			id := tr.AddList(sepm.List{Name: blacklist, Description: "by hand", Hashes: tt.hashes, Groups: []string{servers.ID, strings.Repeat("8", 32)}})
			tr.must("get_blacklist_information", anIncident, theList())
			require.Equal(t, map[string]string{
				"query_execution_date": "2026-03-04 05:07:07", "domain_name": "Default", "list_name": blacklist, "list_id": id,
				"list_description": "by hand", "hash_values": tt.cell, "group_ids": servers.ID + ", " + strings.Repeat("8", 32),
			}, texts(tr.row(incident.TableFingerprints, "list_id", id)))
			require.Contains(t, tr.note(), tt.note)
			require.Contains(t, tr.note(), `is assigned to the system lockdown of My Company\&lt;Servers&gt;, `+strings.Repeat("8", 32)+".",
				"a group is named by its path, one that SEPM does not know by its id")
			require.Empty(t, tr.attachments)

			tr.ChangeList(id, func(l *sepm.List) { l.Description, l.Groups = "", nil })
			tr.must("get_blacklist_information", anIncident, theList())
			require.Len(t, tr.rows, 1)
			row := tr.row(incident.TableFingerprints, "list_id", id)
			require.True(t, row.Cells["list_description"].IsZero() && row.Cells["group_ids"].IsZero(), "what is gone is cleared")
			require.Contains(t, tr.note(), "is assigned to no group")
		})
	}
}

func TestBlacklistThatIsNotThere(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, sepm.Options{})
	tr.must("get_blacklist_information", anIncident, input("list", "<i>none"))
	require.Contains(t, tr.note(), "The SEP domain <b>Default</b> has no fingerprint list <b>&lt;i&gt;none</b>.")
	require.Empty(t, tr.rows)
}

func TestLargeBlacklistIsCutAndAttached(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, sepm.Options{})
	var hashes []sepm.Hashes
	for i := range 1200 {
		hashes = append(hashes, sepm.Hashes{SHA256: fmt.Sprintf("%064X", i)})
	}
	id := tr.AddList(sepm.List{Name: blacklist, Hashes: hashes})
	for _, limit := range []int{200, 0, 5000} {
		tr.results, tr.attachments = limit, nil
		tr.must("get_blacklist_information", anIncident, theList())
		cell := tr.row(incident.TableFingerprints, "list_id", id).Cells["hash_values"].String()
		want := 500
		if limit == 200 {
			want = 200
		}
		require.Equal(t, want, strings.Count(cell, ", ")+1)
		require.True(t, strings.HasSuffix(cell, fmt.Sprintf(" … and %d more", 1200-want)), cell[len(cell)-30:])
		require.Len(t, tr.attachments, 1, "limit %d", limit)
		require.Equal(t, 1201, strings.Count(string(tr.attachments[0].Content), "\r\n"))
	}
}

func TestAddHashMakesTheList(t *testing.T) {
	t.Parallel()
	for _, release := range []sepm.Release{sepm.V142, sepm.V143} {
		for _, tt := range []struct {
			kind        incident.ArtifactType
			value, want string
		}{{incident.MD5Hash, strings.ToLower(md5A), md5A}, {incident.SHA256Hash, " " + sha256B, sha256B}} {
			tr := newTrial(t, sepm.Options{Release: release})
			tr.must("add_hash_to_blacklist", onArtifact(tt.kind, tt.value), theList())
			require.Equal(t, []incident.Operation{incident.OpCreateList}, tr.operations())
			require.Equal(t, []string{tt.want}, tr.hashes(blacklist))
			require.Equal(t, "Fingerprint list 'Blacklist'", tr.list(blacklist).Description)
			require.Equal(t, tt.want, tr.row(incident.TableFingerprints, "list_name", blacklist).Cells["hash_values"].String())
			require.Contains(t, tr.note(), "The hash "+tt.want+" is now in the fingerprint list <b>Blacklist</b>")
		}
	}
}

func TestAddHashToTheDomainThatWasNamed(t *testing.T) {
	t.Parallel()
	other := sepm.Domain{ID: strings.Repeat("D", 32), Name: "Acme"}
	tr := newTrial(t, sepm.Options{Domains: []sepm.Domain{{ID: sepm.DefaultDomainID, Name: "Default"}, other}})
	tr.AddList(sepm.List{Name: blacklist, Hashes: md5s(md5A)}) // a namesake in Default
	for range 2 {
		tr.must("add_hash_to_blacklist", onArtifact(incident.MD5Hash, md5A), input("domain", "Acme", "list", blacklist))
	}
	lists := tr.Lists()
	require.Len(t, lists, 2)
	require.Equal(t, other, lists[1].Domain)
	require.Len(t, tr.calls, 1)
	require.Contains(t, tr.refused("add_hash_to_blacklist", onArtifact(incident.MD5Hash, md5A), theList()), "domain is missing")
}

// fn_sep 1.2.0 cannot add a hash to a list of v1 any more, nor take one out.
func TestPartC04HashesOfAV1List(t *testing.T) {
	t.Parallel()
	for _, release := range []sepm.Release{sepm.V142, sepm.V143} {
		tr := newTrial(t, sepm.Options{Release: release})
		digits := strings.Repeat("12", 16)
		tr.AddList(sepm.List{Name: blacklist, Description: "by hand", Hashes: md5s(md5A, digits)})
		tr.must("add_hash_to_blacklist", onArtifact(incident.MD5Hash, md5B), theList())
		require.Equal(t, []string{md5A, digits, md5B}, tr.hashes(blacklist))
		tr.must("delete_hash_from_blacklist", onArtifact(incident.MD5Hash, digits), theList())
		require.Equal(t, []string{md5A, md5B}, tr.hashes(blacklist))
		require.Equal(t, "by hand", tr.list(blacklist).Description)
		require.Equal(t, md5A+", "+md5B, tr.row(incident.TableFingerprints, "list_name", blacklist).Cells["hash_values"].String())
		require.Contains(t, tr.note(), "is now not in the fingerprint list <b>Blacklist</b> of the SEP domain <b>Default</b>, which has 2 files")
	}
}

// fn_sep does not find a hash in a list of v2, and adds it again.
func TestPartC05HashIsInTheListAlready(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, sepm.Options{})
	tr.AddList(sepm.List{Name: blacklist, Hashes: []sepm.Hashes{{MD5: md5A, SHA256: sha256A}, {SHA256: sha256B}}})
	for kind, hash := range map[incident.ArtifactType]string{incident.MD5Hash: md5A, incident.SHA256Hash: strings.ToLower(sha256B)} {
		tr.must("add_hash_to_blacklist", onArtifact(kind, hash), theList())
		require.Contains(t, tr.note(), "The hash "+strings.ToUpper(hash)+" is in the fingerprint list <b>Blacklist</b> of the SEP domain <b>Default</b> already.")
	}
	require.Empty(t, tr.calls)
	require.Len(t, tr.rows, 1)
}

// fn_sep finds no hash in another case and says it has removed it, and takes
// the last entry for the last hash.
func TestPartC06HashOfAV2List(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, sepm.Options{})
	tr.AddList(sepm.List{Name: blacklist, Hashes: []sepm.Hashes{{MD5: md5A, SHA256: sha256A}}})
	tr.must("delete_hash_from_blacklist", onArtifact(incident.SHA256Hash, strings.ToLower(sha256A)), theList())
	require.Equal(t, []string{md5A}, tr.hashes(blacklist), "the other hash of the entry stays, and so does the list")
	tr.must("delete_hash_from_blacklist", onArtifact(incident.SHA256Hash, sha256A), theList())
	require.Contains(t, tr.note(), "The hash "+sha256A+" is not in the fingerprint list")
	require.Len(t, tr.calls, 1, "what is not there is not removed")
}

func TestMixedHashesNeedASEPMThatTakesThem(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, sepm.Options{Release: sepm.V142})
	tr.AddList(sepm.List{Name: blacklist, Hashes: md5s(md5A)})
	why := tr.refused("add_hash_to_blacklist", onArtifact(incident.SHA256Hash, sha256A), theList())
	require.Contains(t, why, "has no lists that mix MD5 and SHA-256")
	require.Len(t, tr.calls, 1, "what SEPM refuses is not sent again")

	tr = newTrial(t, sepm.Options{})
	tr.AddList(sepm.List{Name: blacklist, Hashes: md5s(md5A)})
	tr.must("add_hash_to_blacklist", onArtifact(incident.SHA256Hash, sha256A), theList())
	require.Equal(t, []string{md5A, sha256A}, tr.hashes(blacklist))
}

func TestWhatIsNoHashOfAList(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, sepm.Options{})
	for value, why := range map[string]string{"x": "is no hash", strings.Repeat("a", 40): "is a SHA-1 hash"} {
		for _, action := range []string{"add_hash_to_blacklist", "delete_hash_from_blacklist"} {
			require.Contains(t, tr.refused(action, onArtifact(incident.MD5Hash, value), theList()), why)
		}
	}
	require.ErrorContains(t, tr.run("add_hash_to_blacklist", onArtifact(incident.SHA1Hash, strings.Repeat("a", 40)), theList()), "is not for an artifact of the type")
	require.Zero(t, tr.Requests())
}

func TestLastHashTakesTheListWithIt(t *testing.T) {
	t.Parallel()
	for _, release := range []sepm.Release{sepm.V142, sepm.V143} {
		tr := newTrial(t, sepm.Options{Release: release})
		id := tr.AddList(sepm.List{Name: blacklist, Description: "by hand", Hashes: md5s(md5A)})
		tr.must("get_blacklist_information", anIncident, theList())
		tr.must("delete_hash_from_blacklist", onArtifact(incident.MD5Hash, md5A), theList())
		require.Empty(t, tr.Lists())
		require.Contains(t, tr.note(), "The fingerprint list <b>Blacklist</b> was deleted, since "+md5A+" was its last hash.")
		row := tr.row(incident.TableFingerprints, "list_id", id)
		require.Equal(t, "Deleted", row.Cells["hash_values"].String())
		require.Equal(t, blacklist, row.Cells["list_name"].String())
	}
}

// Deleting an assigned list takes it from its groups.
func TestAssignedListIsDeletedOnlyWhenConfirmed(t *testing.T) {
	t.Parallel()
	for _, action := range []string{"delete_hash_from_blacklist", "delete_blacklist"} {
		tr := newTrial(t, sepm.Options{Groups: []sepm.Group{servers}})
		id := tr.AddList(sepm.List{Name: blacklist, Hashes: md5s(md5A), Groups: []string{servers.ID}})
		tr.must("get_blacklist_information", anIncident, theList())
		on, in := onArtifact(incident.MD5Hash, md5A), theList()
		if action == "delete_blacklist" {
			on, in = tr.onRow(incident.TableFingerprints, "list_id", id), input()
		}
		for _, confirm := range []string{"", "false"} {
			in["confirm"] = confirm
			require.Contains(t, tr.refused(action, on, in), `is assigned to the system lockdown of My Company\<Servers>`)
		}
		require.Empty(t, tr.calls)
		in["confirm"] = "true"
		tr.must(action, on, in)
		require.Empty(t, tr.Lists())
		require.Equal(t, "Deleted", tr.row(incident.TableFingerprints, "list_id", id).Cells["list_description"].String())
	}

	tr := newTrial(t, sepm.Options{Groups: []sepm.Group{servers}})
	tr.AddList(sepm.List{Name: blacklist, Hashes: md5s(md5A, md5B), Groups: []string{servers.ID}})
	tr.must("delete_hash_from_blacklist", onArtifact(incident.MD5Hash, md5A), theList())
	require.Equal(t, []string{md5B}, tr.hashes(blacklist), "a hash that is not the last needs no confirmation")
}

// fn_sep takes the empty answer of a deletion for no result, and leaves the
// row as it was.
func TestPartC07DeletedListIsMarked(t *testing.T) {
	t.Parallel()
	for _, release := range []sepm.Release{sepm.V142, sepm.V143} {
		tr := newTrial(t, sepm.Options{Release: release, DeleteLag: -1})
		id := tr.AddList(sepm.List{Name: "<img>", Description: "by hand", Hashes: md5s(md5A, md5B)})
		tr.must("get_blacklist_information", anIncident, input("list", "<img>"))
		row := tr.onRow(incident.TableFingerprints, "list_id", id)
		tr.must("delete_blacklist", row, nil)
		require.Empty(t, tr.Lists())
		require.Equal(t, map[string]string{
			"query_execution_date": "2026-03-04 05:08:08", "domain_name": "Default", "list_name": "<img>", "list_id": id,
			"list_description": "Deleted", "hash_values": "Deleted", "group_ids": "",
		}, texts(tr.row(incident.TableFingerprints, "list_id", id)))
		require.Contains(t, tr.note(), "<b>&lt;img&gt;</b> was deleted.")

		require.ErrorContains(t, tr.run("delete_blacklist", tr.onRow(incident.TableFingerprints, "list_id", id), nil), "is not offered on this row")
		tr.must("delete_blacklist", row, nil) // as the row was before
		require.Contains(t, tr.note(), "is not there any more")
		require.Len(t, tr.calls, 1)
	}
}

func TestListThatIsDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, sepm.Options{DeleteLag: -1})
	id := tr.AddList(sepm.List{Name: blacklist, Hashes: md5s(md5A)})
	tr.must("get_blacklist_information", anIncident, theList())
	tr.beforeSend = func(incident.Call) { tr.DeleteList(id) }
	tr.must("delete_blacklist", tr.onRow(incident.TableFingerprints, "list_id", id), nil)
	require.Contains(t, tr.note(), "somebody else has deleted it")
	require.Equal(t, "Deleted", tr.row(incident.TableFingerprints, "list_id", id).Cells["hash_values"].String())
}

// A list that somebody else makes, fills, empties or deletes between the plan
// and the call is dealt with as it is then.
func TestListThatSomebodyElseEditsMeanwhile(t *testing.T) {
	t.Parallel()
	type change func(tr *trial, id string)
	once := func(tr *trial, id string, f change) func(incident.Call) {
		done := false
		return func(incident.Call) {
			if !done {
				done = true
				f(tr, id)
			}
		}
	}
	replace := func(hashes ...string) change {
		return func(tr *trial, id string) { tr.ChangeList(id, func(l *sepm.List) { l.Hashes = md5s(hashes...) }) }
	}
	for _, tt := range []struct {
		name, action string
		before       []string // hashes of the list, nil for none
		meanwhile    change
		after        []string
		operations   []incident.Operation
		note         string
	}{
		{"made by somebody", "add_hash_to_blacklist", nil,
			func(tr *trial, _ string) { tr.AddList(sepm.List{Name: blacklist, Hashes: md5s(md5B)}) },
			[]string{md5B, md5A}, []incident.Operation{incident.OpCreateList, incident.OpEditList}, "is now in"},
		{"made by somebody with the hash", "add_hash_to_blacklist", nil,
			func(tr *trial, _ string) { tr.AddList(sepm.List{Name: blacklist, Hashes: md5s(md5A)}) },
			[]string{md5A}, []incident.Operation{incident.OpCreateList}, "already"},
		{"deleted before the hash was added", "add_hash_to_blacklist", []string{md5B},
			func(tr *trial, id string) { tr.DeleteList(id) },
			[]string{md5A}, []incident.Operation{incident.OpEditList, incident.OpCreateList}, "is now in"},
		{"filled before the hash was added", "add_hash_to_blacklist", []string{md5B}, replace(md5C, md5B),
			[]string{md5C, md5B, md5A}, []incident.Operation{incident.OpEditList}, "which has 3 files"},
		{"added by somebody else, too", "add_hash_to_blacklist", []string{md5B}, replace(md5A),
			[]string{md5A}, []incident.Operation{incident.OpEditList}, "is now in"},
		{"filled before its last hash was removed", "delete_hash_from_blacklist", []string{md5A}, replace(md5A, md5B),
			[]string{md5B}, []incident.Operation{incident.OpEditList}, "is now not in"},
		{"emptied but for the hash", "delete_hash_from_blacklist", []string{md5A, md5B}, replace(md5A),
			nil, []incident.Operation{incident.OpEditList, incident.OpEditList}, "was deleted, since"},
		{"deleted before the hash was removed", "delete_hash_from_blacklist", []string{md5A, md5B},
			func(tr *trial, id string) { tr.DeleteList(id) },
			nil, []incident.Operation{incident.OpEditList}, "has no fingerprint list"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tr := newTrial(t, sepm.Options{DeleteLag: -1})
			id := ""
			if tt.before != nil {
				id = tr.AddList(sepm.List{Name: blacklist, Hashes: md5s(tt.before...)})
			}
			tr.beforeSend = once(tr, id, tt.meanwhile)
			tr.must(tt.action, onArtifact(incident.MD5Hash, md5A), theList())
			if tt.after == nil {
				require.Empty(t, tr.Lists())
			} else {
				require.Equal(t, tt.after, tr.hashes(blacklist))
			}
			require.Equal(t, tt.operations, tr.operations())
			require.Contains(t, tr.note(), tt.note)
		})
	}
}

// The list is assigned to a group between the plan and the call: what becomes
// its last hash is not taken out unasked.
func TestListThatIsEmptiedAndAssignedMeanwhile(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, sepm.Options{Groups: []sepm.Group{servers}})
	id := tr.AddList(sepm.List{Name: blacklist, Hashes: md5s(md5A, md5B)})
	tr.beforeSend = func(incident.Call) {
		tr.ChangeList(id, func(l *sepm.List) { l.Hashes, l.Groups = md5s(md5A), []string{servers.ID} })
	}
	require.Contains(t, tr.refused("delete_hash_from_blacklist", onArtifact(incident.MD5Hash, md5A), theList()), "would be deleted")
	require.Equal(t, []string{md5A}, tr.hashes(blacklist))
}

// The hash is gone again when the plan looks.
func TestHashThatSomebodyTakesOutAgain(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, sepm.Options{DeleteLag: -1})
	id := tr.AddList(sepm.List{Name: blacklist, Hashes: md5s(md5B)})
	reads, change := 0, func() { tr.ChangeList(id, func(l *sepm.List) { l.Hashes = md5s(md5B) }) }
	tr.Before("GET /policy-objects/fingerprints/{id}", func() {
		if reads++; reads == 3 { // the edit reads it before and after
			change()
		}
	})
	tr.must("add_hash_to_blacklist", onArtifact(incident.MD5Hash, md5A), theList())
	require.Contains(t, tr.note(), "is now not in the fingerprint list")
	require.Contains(t, tr.note(), "Somebody else has changed the list since")

	reads, change = 0, func() { tr.DeleteList(id) }
	tr.must("add_hash_to_blacklist", onArtifact(incident.MD5Hash, md5A), theList())
	require.Contains(t, tr.note(), "somebody has deleted it since")
	require.Equal(t, "Deleted", tr.row(incident.TableFingerprints, "list_id", id).Cells["hash_values"].String())
}

// An answer is lost after the change was made: the call is sent again, and
// changes nothing more.
func TestLostAnswersOfLists(t *testing.T) {
	t.Parallel()
	const lists, one = "policy-objects/fingerprints", "policy-objects/fingerprints/*"
	for _, release := range []sepm.Release{sepm.V142, sepm.V143} {
		for _, tt := range []struct {
			name, action, method, path string
			before, after              []string
			note                       string
		}{
			{"create", "add_hash_to_blacklist", "POST", lists, nil, []string{md5A}, "is now in"},
			{"add", "add_hash_to_blacklist", "POST", one, []string{md5B}, []string{md5B, md5A}, "is now in"},
			{"remove", "delete_hash_from_blacklist", "POST", one, []string{md5A, md5B}, []string{md5B}, "is now not in"},
			{"remove the last", "delete_hash_from_blacklist", "DELETE", one, []string{md5A}, nil, "was deleted, since"},
			{"delete", "delete_blacklist", "DELETE", one, []string{md5A}, nil, "<b>Blacklist</b> was deleted."},
		} {
			for _, lag := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s %s lag %t", tt.name, release, lag), func(t *testing.T) {
					t.Parallel()
					o := sepm.Options{Release: release, DeleteLag: -1}
					if lag {
						o.DeleteLag = 0 // the default
					}
					tr := newTrial(t, o)
					on, in := onArtifact(incident.MD5Hash, md5A), theList()
					if tt.before != nil {
						id := tr.AddList(sepm.List{Name: blacklist, Hashes: md5s(tt.before...)})
						tr.must("get_blacklist_information", anIncident, theList())
						if tt.action == "delete_blacklist" {
							on, in = tr.onRow(incident.TableFingerprints, "list_id", id), nil
						}
					}
					tr.faults.On(fault.Switch{Kind: fault.LostReply, Method: tt.method, Path: tt.path, Remaining: 1})
					tr.must(tt.action, on, in)
					require.Equal(t, 1, tr.faults.Counts()[fault.LostReply], "an answer was lost")
					require.Len(t, tr.calls, 1)
					require.Contains(t, tr.note(), tt.note)
					if tt.after == nil {
						require.Empty(t, tr.Lists())
						require.Equal(t, "Deleted", tr.row(incident.TableFingerprints, "list_name", blacklist).Cells["hash_values"].String())
					} else {
						require.Len(t, tr.Lists(), 1)
						require.Equal(t, tt.after, tr.hashes(blacklist))
					}
				})
			}
		}
	}
}

// What a person or SEPM calls a list stands in notes, rows and requests as
// what it is.
func TestHostileListNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{`<script>alert(1)</script>`, "a&name=b", `x/../y?z#`, "=cmd|' /C calc'!A0", "\u202egpj.exe", strings.Repeat("n", 3000)} {
		tr := newTrial(t, sepm.Options{})
		in := input("list", name)
		tr.must("add_hash_to_blacklist", onArtifact(incident.MD5Hash, md5A), in)
		tr.must("add_hash_to_blacklist", onArtifact(incident.MD5Hash, md5B), in)
		require.Equal(t, []string{md5A, md5B}, tr.hashes(name))
		tr.must("get_blacklist_information", anIncident, in)
		for _, n := range tr.notes {
			require.NotContains(t, n.Text, "<script")
			require.NotContains(t, n.Text, "\u202e")
			require.Less(t, len(n.Text), 3000)
		}
		for _, row := range tr.rows {
			for _, cell := range row.Cells {
				require.NotContains(t, cell.String(), "\u202e")
				require.Less(t, len(cell.String()), 3000)
			}
		}
		tr.must("delete_blacklist", tr.onRow(incident.TableFingerprints, "hash_values", md5A+", "+md5B), nil)
		require.Empty(t, tr.Lists())
	}
}

// anotherList is a SEPM that is not exact about names.
type anotherList struct{ enrich.Reader }

func (r anotherList) FingerprintListByName(ctx context.Context, _, domain string) (sepclient.FingerprintList, error) {
	return r.Reader.FingerprintListByName(ctx, blacklist, domain)
}

func TestNothingIsDoneToAnotherList(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, sepm.Options{})
	tr.AddList(sepm.List{Name: blacklist, Hashes: md5s(md5A)})
	for _, name := range []string{"add_hash_to_blacklist", "delete_hash_from_blacklist"} {
		action, err := enrich.ActionNamed(name)
		require.NoError(t, err)
		run := incident.Run{Action: name, Subject: onArtifact(incident.MD5Hash, md5A), Input: input("list", "Black")}
		_, err = action.Next(t.Context(), enrich.Plan{Server: enrich.Server{Reader: anotherList{tr.client}}, Run: run})
		require.ErrorContains(t, err, `was asked for the fingerprint list "Black" and gave another one, "Blacklist"`)
	}
}
