#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# MTA-STS: what is fetched and what is not, what is kept, and for how long (RFC 8461), by the keeper
# alone, with a name server and HTTPS servers around it.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::CA;
use T::DNS;
use T::Https;
use Time::HiRes qw(time);

my $ca = T::CA->new;
my $https = T::Https->start(port => port('https'), ca => $ca);
my $good = "version: STSv1\r\nmode: enforce\r\nmx: mx.good.test\r\nmx: *.other.test\r\nmax_age: 604800\r\n";

sub policy {
    my (%o) = @_;
    return join "\n", 'version: STSv1', 'mode: ' . ($o{mode} // 'enforce'), (map { "mx: $_" } @{$o{mx} // ['mx.test']}),
        'max_age: ' . ($o{age} // 604800), '';
}

# One name for each case, so that all can be asked at once.
my %case = (
    # what the server does => the answer, and what is told of the fetch
    good => [{body => $good}, 'enforce 1 604800 mx.good.test,*.other.test;', 'fetched: '],
    testing => [{body => policy(mode => 'testing')}, 'testing 1 604800 mx.test;', 'fetched: '],
    none => [{body => policy(mode => 'none', mx => [])}, 'none 1 604800 ;', 'fetched: '],
    charset => [{body => $good, type => 'Text/Plain ; charset=utf-8'}, 'enforce 1 604800 mx.good.test,*.other.test;', 'fetched: '],
    chunked => [{body => $good, how => 'chunked'}, 'enforce 1 604800 mx.good.test,*.other.test;', 'fetched: '],
    old => [{body => $good, how => 'close'}, 'enforce 1 604800 mx.good.test,*.other.test;', 'fetched: '],
    wildcard => [{body => $good, cert => $ca->cert('*.wildcard.test')}, 'enforce 1 604800 mx.good.test,*.other.test;', 'fetched: '],
    cookie => [{body => $good, head => ['Set-Cookie: a=b', 'X: ' . 'x' x 4000]}, 'enforce 1 604800 mx.good.test,*.other.test;', 'fetched: '],
    moved => [{status => 302, head => ['Location: https://mta-sts.good.test:@port:https@/.well-known/mta-sts.txt'], body => $good},
        undef, 'sts-policy-fetch-error: HTTP status 302, not 200'],
    missing => [{status => 404, body => $good}, undef, 'sts-policy-fetch-error: HTTP status 404, not 200'],
    broken => [{status => 500}, undef, 'sts-policy-fetch-error: HTTP status 500, not 200'],
    partial => [{status => 206, body => $good}, undef, 'sts-policy-fetch-error: HTTP status 206, not 200'],
    html => [{type => 'text/html', body => $good}, undef, 'sts-policy-invalid: its type is not text/plain'],
    plainer => [{type => 'text/plainer', body => $good}, undef, 'sts-policy-invalid: its type is not text/plain'],
    typeless => [{type => '', body => $good}, undef, 'sts-policy-invalid: its type is not text/plain'],
    bad => [{body => "version: STSv2\nmode: none\nmax_age: 1\n"}, undef, 'sts-policy-invalid: its text is no policy'],
    empty => [{body => ''}, undef, 'sts-policy-invalid: its text is no policy'],
    large => [{body => $good . "\n" x 65536}, undef, 'sts-policy-invalid: it is larger than 64 KB'],
    endless => [{body => $good, how => 'endless'}, undef, 'sts-policy-invalid: it is larger than 64 KB'],
    headers => [{body => $good, how => 'headers'}, undef, qr/^sts-policy-fetch-error: \S/],
    early => [{body => $good, how => 'early'}, undef, qr/^sts-policy-fetch-error: \S/],
    stall => [{body => $good, how => 'stall'}, undef, qr/^sts-policy-fetch-error: .*timed out/i],
    mute => [{body => $good, how => 'mute'}, undef, qr/^sts-policy-fetch-error: .*timed out/i],
    drip => [{body => $good, how => 'drip'}, undef, qr/^sts-policy-fetch-error: .*timed out/i],
    refuse => [{refuse => 1}, undef, qr/^sts-policy-fetch-error: \S/],
    clear => [{body => $good, how => 'plain'}, undef, qr/^sts-policy-fetch-error: \S/],
    oldtls => [{body => $good, tls => 'TLSv1_1'}, undef, qr/^sts-policy-fetch-error: \S/],
    name => [{body => $good, cert => $ca->cert('mta-sts.another.test')}, undef, qr/^sts-webpki-invalid: .*name/],
    parent => [{body => $good, cert => $ca->cert('parent.test')}, undef, qr/^sts-webpki-invalid: .*name/],
    expired => [{body => $good, cert => $ca->cert('mta-sts.expired.test', from => -20, days => -10)}, undef,
        qr/^sts-webpki-invalid: .*expired/],
    selfmade => [{body => $good, cert => $ca->self_signed('mta-sts.selfmade.test')}, undef, qr/^sts-webpki-invalid: \S/],
    strange => [{body => $good, cert => T::CA->new->cert('mta-sts.strange.test')}, undef, qr/^sts-webpki-invalid: \S/],
);
# Without a fetch: the record, or where its server is.
my %record = (
    norecord => undef,
    norecords => '"v=spf1 -all"',
    two => ['"v=STSv1; id=1"', '"v=STSv1; id=2"'],
    badrecord => '"v=STSv1; id=a-b"',
);
my %nowhere = (
    nohost => [undef, 'sts-policy-fetch-error: its server has no address'],
    closed => ['A 127.0.0.9', qr/^sts-policy-fetch-error: \S/],
);

sub zone {
    my (%more) = @_;
    my $zone = '';
    for my $d (sort keys %case) {
        $zone .= "_mta-sts.$d.test. TXT \"v=STSv1; \" \"id=1;\"\nmta-sts.$d.test. A 127.0.0.1\n";
    }
    for my $d (sort keys %record) {
        $zone .= "mta-sts.$d.test. A 127.0.0.1\n";
        $zone .= "_mta-sts.$d.test. TXT $_\n" for ref $record{$d} ? @{$record{$d}} : $record{$d} // ();
    }
    for my $d (sort keys %nowhere) {
        $zone .= "_mta-sts.$d.test. TXT \"v=STSv1; id=1;\"\n";
        $zone .= "mta-sts.$d.test. $nowhere{$d}[0]\n" if $nowhere{$d}[0];
    }
    $zone .= "_mta-sts.alias.test. CNAME _mta-sts.good.test.\nmta-sts.alias.test. CNAME mta-sts.good.test.\n";
    $zone .= "_mta-sts.six.test. TXT \"v=STSv1; id=1;\"\nmta-sts.six.test. A 127.0.0.9\nmta-sts.six.test. AAAA ::1\n";
    for my $d (sort keys %more) {
        $zone .= "_mta-sts.$d.test. 1 TXT \"v=STSv1; id=$more{$d};\"\n" if $more{$d};
        $zone .= "mta-sts.$d.test. A 127.0.0.1\n";
    }
    return $zone;
}

my $dns = T::DNS->start(zone(map { $_ => 1 } qw(id gone crowd short)));
$https->serve("$_.test", %{$case{$_}[0]}, head => [map { T::Stage::fill($_) } @{$case{$_}[0]{head} // []}]) for keys %case;
$https->serve("$_.test", body => $good) for keys %record, 'alias';

# The keeper, with its standard input and output in our hands.
package Keeper {
    use IPC::Open2;
    use IO::Select;

    sub new {
        my ($class, %o) = @_;
        my $self = bless {lines => [], rest => ''}, $class;
        # No proxy of whoever starts us has a say in it.
        local @ENV{qw(https_proxy HTTPS_PROXY ALL_PROXY all_proxy)} = ('http://127.0.0.1:9') x 4;
        my @private = $o{private} // 1 ? ('private') : ();
        $self->{pid} = open2($self->{out}, $self->{in}, T::Stage::with_us(), "$ENV{T_BUILD}/t/tool/policy", $dns->address,
            main::port('https'), $ca->file, $o{seconds} // 9, $o{folder} // '-', @private);
        return $self;
    }

    sub ask { my ($self, @domains) = @_; syswrite $self->{in}, join '', map { "$_\n" } @domains; return }

    # The next line like this; the others stay.
    sub hear {
        my ($self, $pattern, $seconds) = @_;
        my $until = main::time() + ($seconds // $T::Stage::PATIENCE);
        while (1) {
            for my $i (0 .. $#{$self->{lines}}) {
                return splice @{$self->{lines}}, $i, 1 if $self->{lines}[$i] =~ $pattern;
            }
            my $left = $until - main::time();
            return if $left <= 0 || !IO::Select->new($self->{out})->can_read($left);
            sysread $self->{out}, $self->{rest}, 65536, length $self->{rest} or return;
            push @{$self->{lines}}, $1 while $self->{rest} =~ s/^([^\n]*)\n//;
        }
    }

    sub answer {
        my ($self, $domain) = @_;
        $self->ask($domain);
        return ($self->hear(qr/^= \Q$domain\E /) // 'no answer') =~ s/^= \S+ //r;
    }

    sub end { my $self = shift; $self->ask('end'); waitpid $self->{pid}, 0; return $? }
}

my $k = Keeper->new;
my $began = time;
$k->ask(map { "$_.test" } sort keys %case);
for my $d (sort keys %case) {
    my (undef, $answer, $news) = @{$case{$d}};
    my $told = ($k->hear(qr/^! \Q$d.test\E /) // '') =~ s/^! \S+ //r;
    ref $news ? like($told, $news, "$d: what is told") : is($told, $news, "$d: what is told");
    my ($word) = $told =~ /^(sts-[\w-]+)/;
    my $got = ($k->hear(qr/^= \Q$d.test\E /) // '') =~ s/^= \S+ //r;
    is($got, $answer ? "$answer " : '- - 0 ; ' . ($word // '?'), "$d: the answer");
}
cmp_ok(time - $began, '<', 20, 'the slow ones took no longer than the limit');
is($https->count('good.test'), 1, 'a redirect is not followed');
my @asked = $https->requests;
is_deeply([grep { !/^(\S+) GET \/\.well-known\/mta-sts\.txt \1:@{[port('https')]}$/ } @asked], [], 'nothing else is asked for');
unlike($https->log_text, qr/^# more/m, 'and nothing of us is told');

subtest 'records and servers that are not there' => sub {
    for my $d (sort keys %record) {
        is($k->answer("$d.test"), '- - 0 ; ', "$d: no policy, no trouble");
        is($https->calls("$d.test"), 0, "$d: nothing is fetched");
    }
    for my $d (sort keys %nowhere) {
        is($k->answer("$d.test"), '- - 0 ; sts-policy-fetch-error', "$d: no policy");
        my $told = ($k->hear(qr/^! $d\.test /) // '') =~ s/^! \S+ //r;
        ref $nowhere{$d}[1] ? like($told, $nowhere{$d}[1], $d) : is($told, $nowhere{$d}[1], $d);
    }
    is($k->answer($_), '- - 0 ; ', "'$_' is no domain") for '[127.0.0.1]', 'a/b.test', "a\@b", 'a' x 250, '.test';
};

subtest 'what is known is not fetched again' => sub {
    is($k->answer('good.test'), 'enforce 1 604800 mx.good.test,*.other.test; ', 'the same answer');
    is($k->answer('GOOD.Test'), 'enforce 1 604800 mx.good.test,*.other.test; ', 'in any case');
    is($k->answer('none.test'), 'none 1 604800 ; ', 'a policy of mode none is one');
    is($k->answer($_), '- - 0 ; sts-policy-fetch-error', "$_: what failed is not tried at once") for 'missing.test', 'broken.test';
    is($https->count($_), 1, "$_ was fetched once") for 'good.test', 'none.test', 'missing.test', 'broken.test';
};

subtest 'what the store had to let go is fetched at once' => sub {
    my $folder = stage_dir() . '/full';
    mkdir $folder;
    my $want = 'enforce 1 604800 mx.good.test,*.other.test; ';
    my $before = $https->count('good.test');
    my $s = Keeper->new(folder => $folder);
    is($s->answer('good.test'), $want, 'fetched');
    $s->ask('lost good.test');
    is($s->answer('good.test'), $want, 'and again, while its record need not be looked at');
    is($https->count('good.test'), $before + 2, 'by two fetches');
    is($s->end, 0, 'it ended well');
};

subtest 'aliases, and an address that does not answer' => sub {
    is($k->answer('alias.test'), 'enforce 1 604800 mx.good.test,*.other.test; ', 'the record and the server behind CNAMEs');
    my $six = T::Https->start(port => port('https'), addr => '::1', ca => $ca);
    $six->serve('six.test', body => $good);
    is($k->answer('six.test'), 'enforce 1 604800 mx.good.test,*.other.test; ', 'the next address is tried');
};

subtest 'many questions are one fetch' => sub {
    $https->serve('crowd.test', body => $good);
    $k->ask(('crowd.test') x 50);
    is(scalar(grep { ($k->hear(qr/^= crowd\.test /) // '') =~ /enforce 1/ } 1 .. 50), 50, 'all have the answer');
    is($https->calls('crowd.test'), 1, 'of one fetch');
};

subtest 'a domain that stalls delays no other' => sub {
    my $s = Keeper->new(seconds => 8);
    $s->ask(map { "$_.test" } qw(stall mute drip));
    is($s->answer('good.test'), 'enforce 1 604800 mx.good.test,*.other.test; ', 'another one is answered');
    is(scalar $s->hear(qr/^= (?:stall|mute|drip)/, 0), undef, 'before them');
    like($s->hear(qr/^= stall/), qr/^= stall\.test - - 0 ; sts-policy-fetch-error/, 'and that one in time');
    is($s->end, 0, 'it ends well with fetches that are under way');
};

subtest 'private addresses' => sub {
    my $before = $https->count('good.test');
    my $s = Keeper->new(private => 0);
    is($s->answer('good.test'), '- - 0 ; sts-policy-fetch-error', 'no policy');
    is(($s->hear(qr/^! good/) // ''), '! good.test sts-policy-fetch-error: its server has only private addresses', 'and why');
    is($s->answer('six.test'), '- - 0 ; sts-policy-fetch-error', 'nor over IPv6');
    is($https->count('good.test'), $before, 'nobody was called');
    is($s->end, 0, 'it ended well');
};

subtest 'over restarts' => sub {
    my $folder = stage_dir() . '/kept';
    mkdir $folder;
    my $want = 'enforce 1 604800 mx.test; ';
    $https->serve("$_.test", body => policy()) for qw(id gone);
    my $s = Keeper->new(folder => $folder);
    is($s->answer("$_.test"), $want, "$_: fetched") for qw(id gone);
    is($s->end, 0, 'it ended well');

    # The web server fails, and of one domain the record is gone.
    $https->serve("$_.test", status => 500) for qw(id gone);
    $dns->zone(zone(id => 2, gone => undef, crowd => 1, short => 1));
    $s = Keeper->new(folder => $folder);
    is($s->answer("$_.test"), $want, "$_: known at once") for qw(id gone);
    is($s->hear(qr/^! id/), '! id.test sts-policy-fetch-error: HTTP status 500, not 200', 'another id: it was looked for');
    is($s->answer('id.test'), 'enforce 1 604800 mx.test; sts-policy-fetch-error', 'and the old one holds');
    is($s->answer('gone.test'), $want, 'as it does where the record is gone');
    is($https->count('gone.test'), 1, 'which was not fetched again');
    is($s->end, 0, 'it ended well');

    # It is back, with a policy that says that there is none.
    $https->serve('id.test', body => policy(mode => 'none', mx => []));
    $s = Keeper->new(folder => $folder);
    is($s->answer('id.test'), $want, 'the old policy holds while the new one is fetched');
    is($s->hear(qr/^! id/), '! id.test fetched: ', 'as the id is another');
    is($s->answer('id.test'), 'none 2 604800 ; ', 'mode none takes its place');
    is($s->end, 0, 'it ended well');
    $s = Keeper->new(folder => $folder);
    my $before = $https->count('id.test');
    is($s->answer('id.test'), 'none 2 604800 ; ', 'and stays');
    is($s->end, 0, 'it ended well');
    is($https->count('id.test'), $before, 'without a fetch, as the id is the same');
};

subtest 'max_age' => sub {
    my $s = Keeper->new;
    $https->serve('short.test', body => policy(age => 0));
    is($s->answer('short.test'), 'enforce 1 0 mx.test; ', 'of 0: good for who asked');
    is($s->answer('short.test'), 'enforce 1 0 mx.test; ', 'and again');
    is($https->count('short.test'), 2, 'by another fetch');
    $https->serve('short.test', body => policy(age => 10));
    is($s->answer('short.test'), 'enforce 1 10 mx.test; ', 'of 10 s');
    is($s->answer('short.test'), 'enforce 1 10 mx.test; ', 'known');
    is($https->count('short.test'), 3, 'from the one fetch');
    ok(T::Stage::wait_for(sub { $s->answer('short.test'); $https->count('short.test') > 3 }), 'fetched anew before it ends');
    $https->serve('short.test', status => 500);
    ok(T::Stage::wait_for(sub { $s->answer('short.test') eq '- - 0 ; sts-policy-fetch-error' }), 'it ends where that fails');
    like($s->hear(qr/^! short.*500/), qr/500/, 'as was told');
    is($s->end, 0, 'it ended well');
};

is($k->end, 0, 'it ended well');
all_done();
