package parse_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/parse"
)

// TestLabelsDocumentation reads the mail of docs/labels.md with the words of
// docs/labels.md, and without them.
func TestLabelsDocumentation(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/labels.md")
	require.NoError(t, err)
	words, err := parse.English().With("labels-fr.yaml", []byte(fenced(t, string(page), "yaml")))
	require.NoError(t, err)
	mail := []byte(fenced(t, string(page), "eml"))

	a := parse.NewReader(parse.Options{Vocabulary: words}).Read(mail)
	require.Equal(t, parse.Parsed, a.Status, a.Warnings)
	require.Equal(t, parse.SingleRisk, a.Kind)
	require.Equal(t, "2019-02-28T03:50:21", a.GeneratedAt)
	require.Equal(t, "assumed UTC+01:00", a.TimeZone)
	require.Len(t, a.Events, 1)
	e := a.Events[0]
	require.Equal(t, "Trojan.Gen.NPE", e.Risk)
	require.Equal(t, `C:\Temp\facture.exe`, e.FilePath)
	require.Equal(t, "PC-7", e.Computer)
	require.Equal(t, []string{"192.168.194.94"}, e.IPAddresses)
	require.Equal(t, "2019-02-28T02:40:12Z", e.EventTimeUTC)
	require.Equal(t, parse.NotRemediated, e.Outcome)
	require.Equal(t, map[string]string{"Gravité": "5"}, e.Extra)

	a = parse.NewReader(parse.Options{}).Read(mail)
	require.Empty(t, a.Events, "the words are not known without the file")
}

// TestLabelsDocumentationIsWhole: the page names every name that a file may
// use.
func TestLabelsDocumentationIsWhole(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/labels.md")
	require.NoError(t, err)
	for section, name := range map[string]string{"labels": "x", "sentences": "x", "outcomes": "x", "sources": "x"} {
		_, err := parse.English().With("f", []byte(section+": {"+name+": [some words]}"))
		require.ErrorContains(t, err, `"x" is not one of `)
		_, names, _ := strings.Cut(err.Error(), "is not one of ")
		row := regexp.MustCompile("(?m)^\\| `" + section + "` \\|.*$").FindString(string(page))
		for name := range strings.SplitSeq(names, ", ") {
			require.Contains(t, row, "`"+name+"`", section)
		}
	}
	for _, kind := range parse.Kinds() {
		if kind != parse.Unknown {
			require.Contains(t, string(page), "`"+string(kind)+"`")
		}
	}
}

func fenced(t *testing.T, page, language string) string {
	t.Helper()
	_, text, ok := strings.Cut(page, "```"+language+"\n")
	require.True(t, ok)
	text, _, _ = strings.Cut(text, "```")
	return text
}

func TestVocabularyMistakes(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"labels:\n  riskk: [Risque]":                         `f: line 2: labels: "riskk" is not one of `,
		"labels:\n  risk: ['a: b']":                          `f: line 2: labels: "a: b" cannot be a label`,
		"labels:\n  risk: [" + strings.Repeat("x", 90) + "]": `cannot be a label`,
		"labels:\n  risk: [Nom]\n  user: [nom]":              `f: line 3: labels: "nom" stands under two names`,
		"sentences:\n  heading: [xy]":                        `f: line 2: sentences: "xy" is shorter than`,
		"sentences:\n  header: [x]":                          `"header" is not one of heading, footer, generated_at, attack`,
		"kinds:\n  - {kind: singl_risk, subjects: [Risque]}": `f: line 2: kinds: "singl_risk" is not one of single_risk, `,
		"kinds:\n  - {kind: unknown, subjects: [Risque]}":    `"unknown" is not one of`,
		"kinds:\n  - {kind: report, subjects: ['*a*']}":      `f: line 2: kinds: "*a*" is shorter than`,
		"outcomes:\n  cured: [x]":                            `"cured" is not one of allowed, `,
		"outcomes:\n  allowed: ['']":                         `f: line 2: "" is empty`,
		"nothing: [[x]]":                                     "line 1: write a word or a number here",
		"label: {risk: [x]}":                                 `unknown field "label"`,
		"labels: {risk: Risque}":                             "f: ",
		"labels: [":                                          "f: ",
		"nothing: [" + strings.Repeat("'',", 1<<19) + "]":    "larger than",
		"labels: {riskk: [x]}\nkinds: [{kind: x}]":           "riskk",
	} {
		_, err := parse.English().With("f", []byte(file))
		require.ErrorContains(t, err, want, file[:min(len(file), 80)])
	}
	_, err := parse.English().With("f", []byte("labels: {riskk: [x]}\nkinds: [{kind: xy}]"))
	require.ErrorContains(t, err, "riskk")
	require.ErrorContains(t, err, "xy", "all mistakes are told")
	for _, file := range []string{"", "# nothing yet\n", "outcomes: {allowed: [42, 1.5, true]}"} {
		_, err := parse.English().With("f", []byte(file))
		require.NoError(t, err, file)
	}
}

// TestVocabularyOverrides: the file's meaning of a word counts, and what is
// built in is not changed by it.
func TestVocabularyOverrides(t *testing.T) {
	t.Parallel()
	words, err := parse.English().With("f", []byte("labels: {other: [Computer], computer: [Endpoint]}\noutcomes: {remediated: [Left alone]}\nkinds: [{kind: outbreak, subjects: [Single Risk Event]}]"))
	require.NoError(t, err)
	raw := []byte("Subject: Single Risk Event: x\n\nRisk name: R\nComputer: A\nEndpoint: B\nAction: Left alone\n")
	a := parse.NewReader(parse.Options{Vocabulary: words}).Read(raw)
	require.Equal(t, parse.Outbreak, a.Kind)
	require.Equal(t, "B", a.Events[0].Computer)
	require.Equal(t, map[string]string{"Computer": "A"}, a.Events[0].Extra)
	require.Equal(t, parse.Remediated, a.Events[0].Outcome)

	a = parse.NewReader(parse.Options{}).Read(raw)
	require.Equal(t, parse.SingleRisk, a.Kind)
	require.Equal(t, "A", a.Events[0].Computer)
	require.Equal(t, parse.NotRemediated, a.Events[0].Outcome)
}
