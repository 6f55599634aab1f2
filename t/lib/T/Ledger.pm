# SPDX-License-Identifier: Apache-2.0
# T::Ledger - a day's mail of example.org, as records in a spool: what doc/accounting shows.
#
#   my $day = T::Ledger->play;          # plays it through sallyport-in and sallyport-out, once
#   my $milter = $day->accountant($conf, name => 'x');   # an accountant with a copy of that spool
#
# ann writes by TLS with a login and a client certificate: to a bank that shows a right certificate, to somebody whom it
# does not know, to domains that must have TLS and have none, or another's certificate, and to one whose first server is
# away. A printer writes in the clear: to a domain that has no TLS, to somebody who is deferred, to one who is gone.
package T::Ledger;
use v5.36;
use File::Copy qw(copy);
use T::CA ();
use T::DNS ();
use T::Peer ();
use T::Run ();
use T::Sink ();
use T::Spool qw(spool_rows);
use T::Stage qw(port stage_dir);

# The mail server: its queue ids, by recipient.
package T::Ledger::Mta {
    our @ISA = 'T::Sink';
    my %id = (ann => '4gB1xk2QzVz1', nobody => '4gB1xm5rLwz1', bob => '4gB1xn0Kq3z1', two => '4gB1xq6YJMz1', eve => '4gB1xr3TdPz1',
        later => '4gB1xs1PzRz1', gone => '4gB1xt7CwBz1', zoe => '4gB1xv2NhGz1');

    sub scripted ($self, $line) {
        $self->{last} = $1 if $line =~ /^RCPT TO:<(\w+)@/;
        return "250 2.0.0 Ok: queued as $id{$self->{last}}" if $line eq '.';
        return $self->SUPER::scripted($line);
    }

    sub id_of ($rcpt) { return $id{$rcpt =~ s/@.*//r} }
}

my %at = (bank => '127.0.2.21', paper => '127.0.2.22', away => '127.0.2.23', wrong => '127.0.2.24', mta => '127.0.2.2');
my @messages = (
    {to => 'ann@bank.example', job => 1}, {to => 'nobody@bank.example', job => 1}, {to => 'bob@paper.example', job => 1},
    {to => 'two@two.example'}, {to => 'zoe@wrong.example'}, {to => 'eve@shop.example', plain => 1},
    {to => 'later@bank.example', plain => 1}, {to => 'gone@shop.example', plain => 1},
);

sub head ($m) { return $m->{job} ? "X-Job: 1207\r\nX-Campaign: spring\r\n" : '' }
sub mail ($m) { return 'MAIL FROM:<ann@example.org>' . ($m->{job} ? ' ENVID=e12' : '') }
sub rcpt ($m) { return "RCPT TO:<$m->{to}>" . ($m->{job} ? ' ORCPT=rfc822;' . ucfirst $m->{to} : '') }

my $wants = join ' ', map { "record-fields $_ { fields = {*, header_X-Campaign, dlvTlsPolicyText} }" } qw(d b t r tq);

sub conf ($self) {
    my $certificate = $self->{ca}->cert('mx.example.org', names => ['mx.example.org'])->{pem};
    my $client = $self->{clients}->cert('mx.example.org', use => 'client')->{pem};
    return <<"E";
host-name = mx.example.org
workers = 1
allow_private
spool-directory = "$self->{spool}"
name-server = "@{[$self->{dns}->address]}"
acct-file "$self->{dir}/unread.csv" { records = {d, b, t, tq, r} $wants }
smtp-listener 127.0.2.1:@{[port('ledger-in')]} { }
smtp-server-tls-certificate = {"$certificate", ""}
smtp-server-tls-ca-file = "@{[$self->{clients}->file]}"
backend mta { server = "127.0.2.2:@{[port('ledger-mta')]}", identity = none }
source 0/0 { allow-starttls = yes }
source 127.0.2.7 { allow-starttls = yes, allow-auth = yes, require-auth = yes, require-starttls-before-auth = yes, verify-client-certificate = optional }
source 127.0.2.8 { require-starttls = yes, report-only = require-starttls }
relay-listener 127.0.2.1:@{[port('ledger-out')]} { allow = 127.0.0.0/8 }
domain * { use-starttls = yes, allow-private-destinations = yes, default-smtp-port = @{[port('ledger-mx')]} }
domain bank.example { smtp-tls-verify = name, smtp-client-certificate = {"$client", ""} }
domain paper.example { require-starttls = yes }
domain wrong.example { smtp-tls-verify = name, smtp-client-certificate = {"$client", ""} }
E
}

sub servers ($self) {
    my $ca = $self->{ca};
    my @refuse = (replies => [qr/^RCPT TO:<(?:nobody|gone)@/ => '550 5.1.1 No such person here', qr/^RCPT TO:<later@/ => '451 4.7.1 Greylisted, try again']);
    T::Sink->start(addr => $at{bank}, port => port('ledger-mx'), cert => $ca->cert('mx.bank.example'), ask_client => 1, ca => $self->{clients}, @refuse);
    T::Sink->start(addr => $at{paper}, port => port('ledger-mx'), @refuse);
    T::Sink->start(addr => $at{wrong}, port => port('ledger-mx'), cert => $ca->cert('mx.elsewhere.example'));
    T::Ledger::Mta->start(addr => $at{mta}, port => port('ledger-mta'), greeting => '220 mail.example.org', keywords => ['PIPELINING', 'DSN', 'AUTH PLAIN'],
        replies => [qr/^AUTH/ => '235 2.7.0 welcome', qr/^RCPT TO:.*(?:probe|relay-test)/ => '554 5.7.1 Relay access denied']);
    $self->{dns} = T::DNS->start(<<"Z");
bank.example. MX 10 mx.bank.example.
_smtp._tls.bank.example. TXT "v=TLSRPTv1; rua=mailto:tls\@bank.example"
paper.example. MX 10 mx.paper.example.
shop.example. MX 10 mx.paper.example.
wrong.example. MX 10 mx.wrong.example.
two.example. MX 10 mx1.two.example.
two.example. MX 20 mx.bank.example.
mx.bank.example. A $at{bank}
mx.paper.example. A $at{paper}
mx.wrong.example. A $at{wrong}
mx1.two.example. A $at{away}
Z
    return;
}

# What a person does, and then the mail server.
sub bring ($self, $m) {
    my $c = T::Peer->connect(port('ledger-in'), to => '127.0.2.1', from => $m->{plain} ? '127.0.2.8' : '127.0.2.7');
    $c->hear(qr/^220 /);
    my $name = $m->{plain} ? 'printer.example.org' : 'pc.example.org';
    $c->talk("EHLO $name" => qr/^250/);
    if (!$m->{plain}) {
        $c->starttls(name => 'mx.example.org', ca => $self->{ca}, cert => $self->{client});
        $c->talk("EHLO $name" => qr/^250/);
        $c->auth_plain('ann', 'secret');
    }
    $c->talk(mail($m) => qr/^250/, rcpt($m) => qr/^250/, 'DATA' => qr/^354/);
    $c->send(head($m) . "Subject: x\r\n\r\nHello.\r\n.\r\n");
    $c->hear(qr/^250/);
    $c->talk('QUIT' => qr/^221/);
    return $c->close;
}

sub hand_over ($self, $m) {
    my $c = T::Peer->connect(port('ledger-out'), to => '127.0.2.1');
    $c->hear(qr/^220 /);
    my $id = T::Ledger::Mta::id_of($m->{to});
    $c->talk('EHLO mail.example.org' => qr/^250/, "XFORWARD IDENT=$id" => qr/^250/, mail($m) => qr/^250/);
    $c->say(rcpt($m));
    if ($c->hear(qr/^\d/) =~ /^250/) {
        $c->talk('DATA' => qr/^354/);
        $c->send(head($m) . "Subject: x\r\n\r\nHello.\r\n.\r\n");
        $c->hear(qr/^250/);
    }
    $c->talk('QUIT' => qr/^221/);
    return $c->close;
}

sub play ($class) {
    my $dir = stage_dir() . '/day';
    mkdir $_ or die "$_: $!" for $dir, "$dir/spool";
    my ($ca, $clients) = (T::CA->new, T::CA->new);
    my $self = bless {dir => $dir, spool => "$dir/spool", ca => $ca, clients => $clients, client => $clients->cert('ann', use => 'client')}, $class;
    $self->servers;
    my $conf = $self->conf =~ s/^allow_private\n//mr;
    my @runs = map { T::Run->start($_, conf => $conf, name => "day-$_", env => {SSL_CERT_FILE => $ca->file}) } qw(sallyport-in sallyport-out);
    for my $m (@messages) {
        $self->bring($m);
        $self->hand_over($m);
    }
    $_->stop for @runs;
    return $self;
}

# Reads what was recorded, into what `conf` says; $o{name} is its folder.
sub accountant ($self, $conf, %o) {
    my $run = T::Run->prepare('sallyport-milter', conf => $conf, %o);
    copy($_, "$run->{dir}/spool/") or die "$_: $!" for glob "$self->{spool}/*";
    $run->launch;
    $run->log_like(qr/ ready /);
    return $run;
}

1;
