-- An identity provider's own tables, as login.gov has them: the outbox knows nothing of them.
create schema idp;

create table idp.users (
  id text primary key,
  email text not null unique,
  password_digest text not null default 'digest of a forgotten password',
  is_admin boolean not null default false,
  suspended_at timestamptz
);

create table idp.agencies (
  id integer primary key,
  name text not null
);

-- A partner's application. It is told of changes when it has a stream.
create table idp.service_providers (
  issuer text primary key,
  agency_id integer references idp.agencies,
  active boolean not null default true,
  stream_id text
);

-- A user has signed in to a service provider, and has not revoked consent unless it says when.
create table idp.identities (
  user_id text references idp.users on delete cascade,
  service_provider text references idp.service_providers,
  uuid uuid not null unique default gen_random_uuid(),
  revoked_at timestamptz,
  primary key (user_id, service_provider)
);

-- All applications of an agency know a user by one UUID, which no other agency knows.
create table idp.agency_identities (
  user_id text references idp.users on delete cascade,
  agency_id integer references idp.agencies,
  uuid uuid not null unique default gen_random_uuid(),
  primary key (user_id, agency_id)
);

insert into idp.agencies (id, name) values (1, 'Treasury'), (2, 'Department of Labor');

insert into idp.service_providers (issuer, agency_id, active, stream_id) values
  ('urn:gov:taxes', 1, true, 'taxes'),
  ('urn:gov:old-taxes', 1, false, 'taxes'), -- switched off: not told, even where the user signed in
  ('urn:gov:benefits', 2, true, 'benefits'),
  ('urn:gov:parks', null, true, 'parks'), -- of no agency: knows its users by a UUID of its own
  ('urn:gov:library', null, true, null); -- never asked to be told

insert into idp.users (id, email, is_admin) values
  ('ada', 'ada@mail.example', false),
  ('bob', 'bob@mail.example', false),
  ('chloe', 'chloe@mail.example', false),
  ('dan', 'dan@mail.example', true), -- the only administrator
  ('eve', 'eve@mail.example', false),
  ('finn', 'finn@mail.example', false),
  ('gus', 'gus@mail.example', false), -- never signed in anywhere but at the library
  ('hana', 'hana@mail.example', false),
  ('ivan', 'ivan@mail.example', false),
  ('jo', 'jo@mail.example', false),
  ('kim', 'kim@mail.example', false);

insert into idp.identities (user_id, service_provider)
select user_id, 'urn:gov:' || name
from (values
  ('ada', '{taxes,old-taxes,benefits,parks,library}'::text[]),
  ('bob', '{taxes,benefits}'),
  ('chloe', '{taxes,benefits}'),
  ('dan', '{taxes,benefits,parks}'),
  ('eve', '{taxes,benefits,parks}'),
  ('finn', '{taxes,benefits}'),
  ('gus', '{library,old-taxes}'),
  ('hana', '{taxes,benefits,parks}'),
  ('ivan', '{taxes,benefits,parks}'),
  ('jo', '{taxes,benefits,parks}'),
  ('kim', '{taxes,benefits,parks}')
) as signed_in (user_id, names), unnest(names) name;

insert into idp.agency_identities (user_id, agency_id)
select distinct i.user_id, sp.agency_id
from idp.identities i join idp.service_providers sp on sp.issuer = i.service_provider
where sp.agency_id is not null;

-- The IdP's application may change its own tables and call the outbox. It cannot read one row of schema risc.
create role idp login password 'idp';
grant usage on schema idp, risc to idp;
grant all on all tables in schema idp to idp;
grant execute on function risc.recipients, risc.enqueue to idp;
