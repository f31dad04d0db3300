package metrics

import "github.com/prometheus/client_golang/prometheus"

// figure is one metric as docs/metrics.md describes it.
type figure struct {
	name   string
	labels []string
	// unit is what one of it is; seconds where the name ends so.
	unit string
	// help says what it means, alert what to alert on, if anything.
	help, alert string
}

// entry is a figure in the book.
type entry struct {
	figure
	kind string // counter, gauge or histogram
}

// section is a heading and the figures under it.
type section struct {
	title   string
	entries []entry
}

// book makes figures, registers them, and remembers how to describe them: so
// there is none that is not documented.
type book struct {
	registry *prometheus.Registry
	sections []section
}

func (b *book) section(title string) { b.sections = append(b.sections, section{title: title}) }

func (b *book) add(f figure, kind string) {
	last := &b.sections[len(b.sections)-1]
	last.entries = append(last.entries, entry{f, kind})
}

func (b *book) counter(f figure) *prometheus.CounterVec {
	b.add(f, "counter")
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: f.name, Help: f.help}, f.labels)
	b.registry.MustRegister(v)
	return v
}

func (b *book) gauge(f figure) *prometheus.GaugeVec {
	b.add(f, "gauge")
	v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: f.name, Help: f.help}, f.labels)
	b.registry.MustRegister(v)
	return v
}

func (b *book) histogram(f figure, buckets []float64) *prometheus.HistogramVec {
	b.add(f, "histogram")
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: f.name, Help: f.help, Buckets: buckets}, f.labels)
	b.registry.MustRegister(v)
	return v
}

// ask registers gauges that have no value of their own: at each scrape
// collect is given a way to set each of them, in their order.
func (b *book) ask(collect func(set []setter), figures ...figure) {
	a := asked{collect: collect}
	for _, f := range figures {
		b.add(f, "gauge")
		a.descs = append(a.descs, prometheus.NewDesc(f.name, f.help, f.labels, nil))
	}
	b.registry.MustRegister(a)
}

// setter gives a gauge a value for the labels.
type setter func(value float64, labels ...string)

// asked is a collector of gauges whose values somebody else has.
type asked struct {
	descs   []*prometheus.Desc
	collect func(set []setter)
}

func (a asked) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range a.descs {
		ch <- d
	}
}

func (a asked) Collect(ch chan<- prometheus.Metric) {
	set := make([]setter, len(a.descs))
	for i, d := range a.descs {
		set[i] = func(value float64, labels ...string) {
			ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
		}
	}
	a.collect(set)
}
