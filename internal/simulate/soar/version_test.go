package soar_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

func TestVersions(t *testing.T) {
	for version, want := range map[string]struct {
		numbers                                       []float64 // major, minor, build
		unknown                                       int
		modern, split, playbooks, rowVersion, creator bool
	}{
		"":                {[]float64{51, 0, 20848}, 500, true, true, true, true, false},
		"51.0.2.1.1096":   {[]float64{51, 0, 1096}, 500, true, true, true, true, false},
		"50.1.35":         {[]float64{50, 1, 35}, 404, false, true, true, true, true},
		"44.0.7583":       {[]float64{44, 0, 7583}, 404, false, false, true, true, true},
		"31.0.4254":       {[]float64{31, 0, 4254}, 404, false, false, false, true, true},
		"30.0.3467":       {[]float64{30, 0, 3467}, 404, false, false, false, false, true},
		"not even a word": {[]float64{0, 0, 0}, 404, false, false, false, false, true},
	} {
		t.Run(version, func(t *testing.T) {
			b := setup(t, soar.Options{ServerVersion: version})
			v := dig(t, b.as("demo", "GET", "/const", "").is(200).object(), "server_version")
			require.Equal(t, want.numbers, []float64{number(t, dig(t, v, "major")), number(t, dig(t, v, "minor")), number(t, dig(t, v, "build_number"))})
			require.Contains(t, v, "version")
			require.Equal(t, want.modern, has(v, "v") && has(v, "r") && has(v, "m") && has(v, "f"))
			b.get("/no/such/route").is(want.unknown)
			b.get("/connectors/queues").is(404)

			_, inc := b.create("")
			require.Equal(t, want.playbooks, has(b.get(inc).object(), "playbooks"))
			hashes := b.post(inc+"/artifacts", `{"type":"Malware MD5 Hash","value":"d41d8cd98f00b204e9800998ecf8427e 0cc175b9c0f1b6a831c399e269772661"}`)
			if want.split {
				require.Len(t, hashes.is(200).list(), 2)
			} else {
				hashes.is(400)
			}
			require.Equal(t, want.creator, has(b.post(inc+"/artifacts", `{"type":"String","value":"x"}`).is(200).list()[0], "creator"))
			require.Equal(t, want.modern, has(b.upload(inc, "a.txt", "x").is(200).object(), "description"))
			row := b.post(inc+"/table_data/sep_groups/row_data?handle_format=names", `{"cells":{"group_id":{"value":"g"}}}`).is(200).object()
			require.Equal(t, want.rowVersion, has(row, "version"))
			require.Equal(t, want.modern, has(row["cells"], "fullPathName"), "with no value, or missing")
			orgs, _ := b.as("demo", "GET", "/session", "").object()["orgs"].([]any)
			require.Equal(t, want.modern, has(orgs[0], "parent_org"))
		})
	}
}

func number(t *testing.T, v any) float64 {
	t.Helper()
	n, ok := v.(float64)
	require.True(t, ok, v)
	return n
}

func has(v any, key string) bool {
	o, _ := v.(map[string]any)
	_, ok := o[key]
	return ok
}

func TestValidVersion(t *testing.T) {
	for text, want := range map[string]bool{
		"46.2.8131": true, "30.0.3467": true, "51.0.9.0.20848": true, "51.0.9": false, "46.2.8131.1.1": false, "": false, "v51": false, "51.0.9.0.x": false,
	} {
		require.Equal(t, want, soar.ValidVersion(text), text)
	}
}
