package bench

import (
	"fmt"
	"strings"
)

// row is a figure of the table in docs/performance.md.
type row struct {
	figure string
	// references are the figures that it was measured beside.
	references []string
	// goal is the design's upper bound, or with atLeast its lower one; 0
	// means that the figure is reported only.
	goal    float64
	atLeast bool
	unit    string
	meaning string
}

var table = []row{
	{figure: "parse_over_mime", references: []string{"reference_mime_us"}, goal: 2,
		meaning: "time to parse a mail to an alert, as SEPM sends it, ÷ go-message alone reading the same bytes"},
	{figure: "parse_over_mime_forms", references: []string{"reference_mime_forms_us"},
		meaning: "the same alert as quoted-printable, base64 and HTML"},
	{figure: "indicator_precision_domain", goal: 0.97, atLeast: true,
		meaning: "of the domains found in free text, the share that xioc's 99 cases expect; hosts of URLs and e-mail addresses are among them"},
	{figure: "indicator_recall_domain", goal: 0.95, atLeast: true,
		meaning: "of the domains they expect, the share that is found"},
	{figure: "indicator_precision_url", goal: 0.97, atLeast: true,
		meaning: "the same of URLs"},
	{figure: "indicator_recall_url", goal: 0.95, atLeast: true,
		meaning: "the same of URLs"},
	{figure: "indicator_precision_email", goal: 0.97, atLeast: true,
		meaning: "the same of e-mail addresses"},
	{figure: "indicator_recall_email", goal: 0.95, atLeast: true,
		meaning: "the same of e-mail addresses"},
	{figure: "indicator_precision_ip4", goal: 0.97, atLeast: true,
		meaning: "the same of IPv4 addresses"},
	{figure: "indicator_recall_ip4", goal: 0.95, atLeast: true,
		meaning: "the same of IPv4 addresses"},
	{figure: "indicator_precision_ip6", goal: 0.97, atLeast: true,
		meaning: "the same of IPv6 addresses"},
	{figure: "indicator_recall_ip6", goal: 0.95, atLeast: true,
		meaning: "the same of IPv6 addresses"},
	{figure: "indicator_mb_per_second", unit: "MB/s",
		meaning: "text that is searched for all types of indicators: the guide's alert and xioc's cases"},
	{figure: "drain_over_fetch", references: []string{"reference_fetch_seconds"}, goal: 2,
		meaning: "20,000 unseen alerts on Dovecot until all are committed as events, SQLite ÷ a bare go-imap client that fetches and discards them"},
	{figure: "drain_over_fetch_postgres", references: []string{"reference_fetch_seconds"},
		meaning: "the same on PostgreSQL"},
	{figure: "drain_over_mbsync", references: []string{"reference_mbsync_seconds"}, goal: 0.7,
		meaning: "the same on SQLite ÷ mbsync (FSync off) copying the mailbox"},
	{figure: "drain_over_rows", references: []string{"reference_rows_seconds"},
		meaning: "the same on SQLite ÷ SQLite alone, in Go, inserting the rows that the drain leaves"},
	{figure: "push_p99_over_idle_ms", references: []string{"reference_idle_p99_ms"}, goal: 25, unit: "ms",
		meaning: "mail delivered → incident POST arrives, p99 of 200, minus the p99 of a bare IDLE and fetch client on the same mails"},
	{figure: "alerts_per_second", goal: 500, atLeast: true, unit: "/s",
		meaning: "mail in → incident, artifacts and endpoint row at the stand-ins, 5,000 alerts, SQLite, mails not attached"},
	{figure: "alerts_per_second_attached", unit: "/s",
		meaning: "the same with each alert's mail attached, a request more an incident, as is the default"},
	{figure: "alerts_per_second_postgres", unit: "/s",
		meaning: "the same on PostgreSQL, without mails attached"},
	{figure: "sepm_requests_per_alert", goal: 0.1,
		meaning: "a storm of 1,000 alerts on 200 computers of a fleet of 20,000; fn_sep sends 2 or more a function"},
	{figure: "resilient_requests_per_incident", goal: 2,
		meaning: "the same storm: one create with everything in it, and one request for the one row; without mails attached, and without the three requests that connect"},
	{figure: "rss_mb", goal: 80, unit: "MB",
		meaning: "peak memory of the daemon while 100,000 mails are drained, with their delivery under way"},
	{figure: "rss_mb_large_mail", goal: 200, unit: "MB",
		meaning: "peak memory of the daemon while one mail of 50 MB is read"},
	{figure: "cost_growth", references: []string{"reference_growth_ms_per_mail"}, goal: 1.15,
		meaning: "time per mail at 100,000 ÷ at 10,000 mails, which is the reference; drained without delivery"},
}

// markdown writes the table.
func markdown(all figures) string {
	var b strings.Builder
	b.WriteString("| figure | measured | goal | reference | what |\n|---|---|---|---|---|\n")
	for _, r := range table {
		var references []string
		for _, name := range r.references {
			references = append(references, fmt.Sprintf("`%s` %s", name, number(all[name])))
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", r.figure, withUnit(all[r.figure], r.unit), r.verdict(all[r.figure]),
			strings.Join(references, ", "), r.meaning)
	}
	return b.String()
}

// verdict gives the goal and whether it is met.
func (r row) verdict(n float64) string {
	if r.goal == 0 {
		return "reported"
	}
	sign, met := "≤", n <= r.goal
	if r.atLeast {
		sign, met = "≥", n >= r.goal
	}
	text := sign + " " + withUnit(r.goal, r.unit)
	if !met {
		return text + " **missed**"
	}
	return text
}

func withUnit(n float64, unit string) string {
	switch unit {
	case "", "/s":
		return number(n) + unit
	}
	return number(n) + " " + unit
}

func number(n float64) string { return strings.TrimSuffix(fmt.Sprintf("%.4g", n), ".0") }
