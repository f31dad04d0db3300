package enrich_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
)

const jail = `My Company\QUARANTINE_GROUP`

func moveCase(t *testing.T, edit ...func(*sepm.Options)) *caseBench {
	t.Helper()
	office := sepm.Group{Name: `My Company\Office`}
	opt := sepm.Options{
		Groups: []sepm.Group{{Name: jail}, {Name: jail + `\Deep`}},
		Computers: []sepm.Computer{
			{Name: "A", ID: hex("A"), HardwareKey: hex("AA"), Group: office}, {Name: "B", ID: hex("B"), HardwareKey: hex("BB"), Group: office},
			{Name: "C", ID: hex("C"), HardwareKey: hex("CC"), OS: "Ubuntu"},
		},
	}
	for _, e := range edit {
		e(&opt)
	}
	b := newCase(t, opt)
	b.endpoints("A", "B", "C")
	return b
}

func (b *caseBench) group(id string) string {
	c, _ := b.Computer(id)
	return c.Group.Name
}

func TestMoveThereAndBack(t *testing.T) {
	t.Parallel()
	b := moveCase(t)
	require.ErrorContains(t, b.try("move_endpoint_back", b.onRow(hex("A")), nil), "was not moved from this incident")

	b.start("move_endpoint", b.onRow(hex("A")), map[string]string{"group": jail})
	require.Equal(t, jail, b.group(hex("A")), "the path alone, not the group below it")
	require.Equal(t, jail, b.cell(hex("A"), "group_name"))
	require.Contains(t, b.last(), `<b>A</b> was moved from My Company\Office to `+jail)

	b.start("move_endpoint", b.onRow(hex("A")), map[string]string{"group": jail})
	require.Contains(t, b.last(), "already")
	require.Equal(t, 1, b.Calls()["PATCH /computers"], "and nothing is sent")

	b.start("move_endpoint_back", b.onRow(hex("A")), nil)
	require.Equal(t, `My Company\Office`, b.group(hex("A")))
	require.Equal(t, `My Company\Office`, b.cell(hex("A"), "group_name"))
	require.ErrorContains(t, b.try("move_endpoint_back", b.onRow(hex("B")), nil), "was not moved", "another endpoint's move is not its own")
}

func TestMoveBackToAGroupThatIsGone(t *testing.T) {
	t.Parallel()
	b := moveCase(t)
	b.start("move_endpoint", b.onRow(hex("A")), map[string]string{"group": jail})
	b.runs[len(b.runs)-1].Answers[0].Call.Body = []byte(`{"group_id":"X","from":{"` + hex("AA") + `":{"computer_id":"` + hex("A") + `","group_id":"` + hex("F") + `","group":"My Company\\Gone"}}}`)
	require.ErrorContains(t, b.try("move_endpoint_back", b.onRow(hex("A")), nil), `was in the group "My Company\\Gone", which SEPM does not have any more`)
}

func TestMoveNeedsOneGroup(t *testing.T) {
	t.Parallel()
	for _, paths := range []sepm.GroupPaths{sepm.PathPrefix, sepm.PathExact, sepm.PathCased} {
		b := moveCase(t, func(o *sepm.Options) { o.GroupPaths = paths })
		for _, path := range []string{`My Company\QUARANTIN`, `my company\quarantine_group`, `QUARANTINE_GROUP`} {
			err := b.try("move_endpoint", b.onRow(hex("A")), map[string]string{"group": path})
			var mistake *enrich.Mistake
			require.ErrorAs(t, err, &mistake, path)
			require.ErrorContains(t, err, `"My Company\QUARANTINE_GROUP"`, "the near ones are named")
		}
		require.ErrorContains(t, b.try("move_endpoint", b.onRow(hex("A")), nil), "group is missing")
		require.Zero(t, b.Calls()["PATCH /computers"])
		b.start("move_endpoint", b.onRow(hex("A")), map[string]string{"group": " " + jail + " "})
		require.Equal(t, jail, b.group(hex("A")))
	}
}

func TestMoveStaysInTheDomain(t *testing.T) {
	t.Parallel()
	other := sepm.Domain{ID: hex("D2"), Name: "Other"}
	b := newCase(t, sepm.Options{AllDomains: true, Domains: []sepm.Domain{{ID: sepm.DefaultDomainID, Name: "Default"}, other}, Groups: []sepm.Group{{Name: jail}},
		Computers: []sepm.Computer{{Name: "A", ID: hex("A"), Domain: other}}})
	b.endpoints("A")
	require.ErrorContains(t, b.try("move_endpoint", b.onRow(hex("A")), map[string]string{"group": jail}), "the endpoint's domain has no group")
}

// SEPM hangs for good when it is to move one of two records with one key.
func TestMoveOfATwin(t *testing.T) {
	t.Parallel()
	b := moveCase(t, func(o *sepm.Options) {
		o.MoveHangs = true
		o.Computers = append(o.Computers, sepm.Computer{Name: "A", ID: hex("A2"), HardwareKey: hex("AA"), Offline: true})
	})
	require.ErrorContains(t, b.try("move_endpoint", b.onRow(hex("A")), map[string]string{"group": jail}), hex("A2"))
	require.ErrorContains(t, b.try("move_endpoints", incident.Subject{}, map[string]string{"group": jail, "filter": "A", "count": "1"}), "0 endpoints")
	require.Zero(t, b.Calls()["PATCH /computers"])

	b.ChangeComputer(hex("A2"), func(c *sepm.Computer) { c.HardwareKey = hex("AB") })
	b.start("move_endpoint", b.onRow(hex("A")), map[string]string{"group": jail})
	require.Equal(t, jail, b.group(hex("A")))
}

// The status of the whole says nothing of the one: 207 with a failure in it.
func TestFailedMoveIsTold(t *testing.T) {
	t.Parallel()
	for _, status := range []sepm.MoveStatus{sepm.MoveMulti, sepm.MoveOK, sepm.MoveMixed} {
		b := moveCase(t, func(o *sepm.Options) { o.MoveStatus = status })
		b.Before("PATCH /computers", func() { b.DeleteComputer(hex("A")) })
		require.ErrorContains(t, b.try("move_endpoint", b.onRow(hex("A")), map[string]string{"group": jail}), "SEPM did not move A")
		require.Equal(t, `My Company\Office`, b.cell(hex("A"), "group_name"))
	}
}

func TestMoveAllOfAnIncident(t *testing.T) {
	t.Parallel()
	b := moveCase(t)
	b.start("move_endpoint", b.onRow(hex("C")), map[string]string{"group": jail})
	all := incident.Subject{}
	b.start("move_endpoints", all, map[string]string{"group": jail})
	require.Contains(t, b.last(), "for 2 endpoints: <b>A</b>, <b>B</b>. They would be moved to "+jail)
	require.Contains(t, b.last(), "<b>C</b> (it is in the group already)")
	require.Contains(t, b.last(), "with the count 2")
	require.Equal(t, 1, b.Calls()["PATCH /computers"])
	require.ErrorContains(t, b.try("move_endpoints", all, map[string]string{"group": jail, "count": "3"}), "it would be for 2 endpoints")

	b.Before("PATCH /computers", func() { b.DeleteComputer(hex("B")) })
	b.start("move_endpoints", all, map[string]string{"group": jail, "count": "2"})
	require.Equal(t, jail, b.cell(hex("A"), "group_name"))
	require.Equal(t, `My Company\Office`, b.cell(hex("B"), "group_name"))
	require.Contains(t, b.last(), "1 of 2 endpoints moved")
	require.Contains(t, b.last(), "Not moved: <b>B</b>")
	file := b.file("Moved_endpoints_")
	require.Contains(t, file, "A,"+hex("A")+`,My Company\Office,`+jail+",Moved\r\n")
	require.Contains(t, file, "B,"+hex("B")+`,My Company\Office,`+jail+`,"Not moved: `)

	b.start("move_endpoint_back", b.onRow(hex("A")), nil)
	require.Equal(t, `My Company\Office`, b.group(hex("A")))
}
